// SPDX-License-Identifier: BSL-1.0
//
// What the servers of one file have in common: bulk_X DIRECTORY [tls], where the file is DIRECTORY/bulk, and the
// certificate and the key cert.pem and key.pem. They read the file in pieces as large as nginx is told to.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <cstring>
#include <string>

#include "listen.hpp"

namespace bulk {

inline constexpr std::size_t piece = std::size_t{64} << 10U;

struct arguments {
    arguments(int argc, char** argv) {
        if (argc < 2) std::exit(2);
        directory = argv[1];
        tls = argc > 2 && std::strcmp(argv[2], "tls") == 0;
    }
    [[nodiscard]] std::string path(const char* name) const { return directory + "/" + name; }
    std::string directory;
    bool tls = false;
};

inline std::string head(std::uint64_t size) {
    return "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\nConnection: close\r\n\r\n";
}

inline int open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail(path.c_str());
    return fd;
}

inline std::uint64_t size_of(int fd) {
    struct stat s{};
    if (::fstat(fd, &s) != 0) fail("fstat");
    return static_cast<std::uint64_t>(s.st_size);
}

}  // namespace bulk
