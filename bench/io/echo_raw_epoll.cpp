// SPDX-License-Identifier: BSL-1.0
//
// The limit with epoll: level-triggered, one recv and one send per request.
#include "listen.hpp"

#include <sys/epoll.h>
#include <unistd.h>
#include <cerrno>

int main() {
    const int listener = listen_somewhere();
    const int ep = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = listener;
    if (ep < 0 || ::epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e) != 0) fail("epoll");
    epoll_event events[256];
    char buffer[4096];
    for (;;) {
        const int n = ::epoll_wait(ep, events, 256, -1);
        for (int i = 0; i < n; ++i) {
            const int fd = events[i].data.fd;
            if (fd == listener) {
                for (int got = 0; (got = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
                    no_delay(got);
                    e.data.fd = got;
                    if (::epoll_ctl(ep, EPOLL_CTL_ADD, got, &e) != 0) fail("epoll_ctl");
                }
                continue;
            }
            const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
            if (size > 0)
                size == ::send(fd, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL) ? void() : fail("send");
            else if (size == 0 || errno != EAGAIN)
                ::close(fd);
        }
    }
}
