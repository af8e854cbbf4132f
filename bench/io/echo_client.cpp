// SPDX-License-Identifier: BSL-1.0
//
// client PORT CONNECTIONS SECONDS: so many connections that each send 64 bytes and wait for them to come back. Prints:
// requests, seconds, the median and the 99th percentile of a request in microseconds. SECONDS 0: connects, prints a
// line, and stays idle until its input ends.
#include "listen.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

struct connection {
    int fd = -1;
    unsigned got = 0;
    clock_type::time_point sent;
};

void ask(connection& c) {
    static const char message[message_size] = {};
    c.got = 0;
    c.sent = clock_type::now();
    if (::send(c.fd, message, message_size, MSG_NOSIGNAL) != static_cast<ssize_t>(message_size)) fail("send");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    std::vector<connection> all(static_cast<std::size_t>(std::atoi(argv[2])));
    const int ep = ::epoll_create1(EPOLL_CLOEXEC);
    for (connection& c : all) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
        c.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c.fd < 0 || ::connect(c.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail("connect");
        no_delay(c.fd);
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.ptr = &c;
        if (::epoll_ctl(ep, EPOLL_CTL_ADD, c.fd, &e) != 0) fail("epoll_ctl");
    }
    const std::chrono::duration<double> wanted(std::atof(argv[3]));
    for (connection& c : all) ask(c);
    std::vector<float> times;
    times.reserve(std::size_t{1} << 22U);
    const auto begin = clock_type::now();
    unsigned long requests = 0;
    unsigned long answered = 0;
    epoll_event events[512];
    char buffer[4096];
    for (auto now = begin; wanted.count() > 0 ? now - begin < wanted : answered < all.size();) {
        const int n = ::epoll_wait(ep, events, 512, 1000);
        now = clock_type::now();
        for (int i = 0; i < n; ++i) {
            auto& c = *static_cast<connection*>(events[i].data.ptr);
            const ssize_t size = ::recv(c.fd, buffer, sizeof buffer, MSG_DONTWAIT);
            if (size <= 0) fail("recv");
            c.got += static_cast<unsigned>(size);
            if (c.got < message_size) continue;
            ++requests, ++answered;
            if (wanted.count() <= 0) continue;
            times.push_back(std::chrono::duration<float, std::micro>(now - c.sent).count());
            ask(c);
        }
    }
    const double took = std::chrono::duration<double>(clock_type::now() - begin).count();
    if (wanted.count() <= 0) {
        std::printf("idle\n");
        std::fflush(stdout);
        while (::read(0, buffer, sizeof buffer) > 0) {}
        return 0;
    }
    std::sort(times.begin(), times.end());
    const auto at = [&](double part) {
        return times.empty() ? 0.F : times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
    };
    std::printf("%lu %.3f %.1f %.1f\n", requests, took, static_cast<double>(at(.5)), static_cast<double>(at(.99)));
}
