// SPDX-License-Identifier: BSL-1.0
//
// What the servers that use the system's calls themselves have in common.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

inline constexpr unsigned message_size = 64;

[[noreturn]] inline void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

/// The runner reads this line.
inline void say_port(unsigned port) {
    std::printf("%u\n", port);
    std::fflush(stdout);
}

/// A socket that listens on any port of loopback, which is said.
inline int listen_somewhere(int flags = SOCK_CLOEXEC | SOCK_NONBLOCK) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | flags, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd, 4096) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0)
        fail("listen");
    say_port(ntohs(at.sin_port));
    return fd;
}

inline void no_delay(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
