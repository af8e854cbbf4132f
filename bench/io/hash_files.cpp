// SPDX-License-Identifier: BSL-1.0
//
// hash_files FILE…: as sha256sum, with the code of the example hash_tree and calls that block, for xargs to run: what
// remains of the difference is bide and threads on the one side, processes on the other.
#include <fcntl.h>
#include <unistd.h>

#include <iostream>
#include <vector>

#include "../../examples/programs/sha256.hpp"

int main(int argc, char** argv) {
    std::vector<std::byte> piece(std::size_t{1} << 20U);
    for (int i = 1; i < argc; ++i) {
        const int file = ::open(argv[i], O_RDONLY | O_CLOEXEC);
        sha256 all;
        ssize_t n = 0;
        while ((n = ::read(file, piece.data(), piece.size())) > 0)
            all.add(std::span<const std::byte>(piece).first(static_cast<std::size_t>(n)));
        if (n < 0) {
            std::perror(argv[i]);
            return 1;
        }
        ::close(file);
        std::cout << all.hex() << "  " << argv[i] << '\n';
    }
}
