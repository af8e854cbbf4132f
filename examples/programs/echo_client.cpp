// SPDX-License-Identifier: BSL-1.0
// echo_client PORT: sends its standard input there, and writes what comes back to its standard output. Both at once:
// what comes back need not wait for the end of what is sent.
#include <bide/bide.hpp>
#include <bide/io/copy.hpp>
#include <bide/io/standard.hpp>
#include <bide/io/tcp.hpp>

#include <cstdlib>
#include <iostream>

namespace {

bide::task<> send(bide::standard_reader& from, bide::tcp_stream& to) {
    static_cast<void>(co_await bide::copy(from, to));
    co_await to.finish();
}

bide::task<> talk(bide::ip_endpoint with) {
    bide::tcp_stream server = co_await bide::with_timeout(std::chrono::seconds(10), bide::tcp_stream::connect(with));
    bide::standard_reader in = bide::standard_input();
    bide::standard_writer out = bide::standard_output();
    co_await bide::when_all(send(in, server), bide::copy(server, out));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: echo_client PORT\n";
        return 2;
    }
    try {
        talk(bide::ip_endpoint::loopback(static_cast<std::uint16_t>(std::atoi(argv[1])))).wait();
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
