// SPDX-License-Identifier: BSL-1.0
//
// accept_client PORT AT_ONCE SECONDS: so many connections at once, each of which is opened, ends its side, waits for
// the server to end its own, and is closed; then the next one. Prints: connections, seconds.
#include "listen.hpp"

#include <sys/epoll.h>
#include <unistd.h>
#include <chrono>

namespace {

/// From one of many addresses of loopback: a port that was used stays taken for a minute, and there are 28 000.
void open_one(int ep, std::uint16_t port, unsigned number) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + number % 250);
    const int later = 1;
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &later, sizeof later);
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) fail("bind");
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) fail("connect");
    if (::shutdown(fd, SHUT_WR) != 0) fail("shutdown");
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = fd;
    if (::epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) != 0) fail("epoll_ctl");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    const int at_once = std::atoi(argv[2]);
    const std::chrono::duration<double> wanted(std::atof(argv[3]));
    const int ep = ::epoll_create1(EPOLL_CLOEXEC);
    unsigned opened = 0;
    unsigned long closed = 0;
    const auto begin = std::chrono::steady_clock::now();
    const auto took = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin); };
    while (opened < static_cast<unsigned>(at_once)) open_one(ep, port, opened++);
    epoll_event events[512];
    while (closed < opened) {
        const int n = ::epoll_wait(ep, events, 512, -1);
        const bool more = took() < wanted;
        for (int i = 0; i < n; ++i) {
            char byte = 0;
            if (::recv(events[i].data.fd, &byte, 1, 0) != 0) fail("recv");
            ::close(events[i].data.fd);
            ++closed;
            if (more) open_one(ep, port, opened++);
        }
    }
    std::printf("%lu %.3f\n", closed, took().count());
}
