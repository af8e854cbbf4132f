// SPDX-License-Identifier: BSL-1.0
// hash_tree DIRECTORY [N]: the SHA-256 of every regular file below, as sha256sum prints it, N files at a time.
#include <bide/bide.hpp>
#include <bide/io/file.hpp>

#include <cstdlib>
#include <iostream>
#include <vector>

#include "sha256.hpp"

namespace {

/// The file is read a piece at a time; hashing a piece is work for a thread, the loop only hands the pieces over.
bide::task<std::string> hash(std::filesystem::path path, bide::semaphore& places) {
    const auto place = co_await places.acquire();
    bide::file f = co_await bide::file::open(path);
    std::vector<std::byte> piece(std::size_t{1} << 20);
    sha256 all;
    for (std::uint64_t at = 0;;) {
        const std::size_t n = co_await f.read_at(at, piece);
        if (n == 0) break;
        const auto part = std::span<const std::byte>(piece).first(n);
        co_await bide::run([&all](std::span<const std::byte> bytes) { all.add(bytes); }, part);
        at += n;
    }
    co_return all.hex();
}

bide::task<int> hash_all(std::filesystem::path below, int at_once) {
    bide::semaphore places(at_once);
    int failed = 0;
    const std::vector<bide::directory_entry> names = co_await bide::list_tree(below);
    std::vector<std::pair<std::filesystem::path, bide::future<std::string>>> hashes;
    auto body = [&](bide::scope& s) -> bide::task<> {
        for (const auto& name : names)
            if (name.kind == bide::file_kind::regular)
                hashes.emplace_back(name.path, s.start(hash, name.path, std::ref(places)));
        for (auto& [path, result] : hashes) {  // in the order of the names, each as soon as it is there
            try {
                const std::string hex = co_await result;
                std::cout << hex << "  " << path.string() << '\n';
            } catch (const std::system_error& e) {
                std::cerr << e.what() << '\n';
                ++failed;
            }
        }
    };
    co_await bide::with_scope({.error = bide::error_mode::keep_going}, body);
    co_return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const int at_once = argc > 2 ? std::atoi(argv[2]) : 16;
    if (argc < 2 || at_once < 1) {
        std::cerr << "usage: hash_tree DIRECTORY [N]\n";
        return 2;
    }
    try {
        return hash_all(argv[1], at_once).wait();
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
