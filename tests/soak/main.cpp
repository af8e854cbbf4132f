// SPDX-License-Identifier: BSL-1.0
// soak [SECONDS [CALLERS [SEED]]]: connections that go wrong in every way, over loopback, for as long as one likes. Every
// byte is checked; what was not planned is counted as dropped by us. At the end everything must be as it was.
#include "sides.hpp"

#include "support/census.hpp"
#include "support/sanitizer.hpp"

#include <bide/io/ip_endpoint.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>

namespace {

using bide::task;
using soak::tally;
using namespace std::chrono_literals;

class few_descriptors {
public:
    few_descriptors() noexcept {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit few = before_;
        few.rlim_cur = 20;
        ::setrlimit(RLIMIT_NOFILE, &few);
    }
    few_descriptors(const few_descriptors&) = delete;
    few_descriptors& operator=(const few_descriptors&) = delete;
    ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

/// Now and then there are no descriptors left for a moment.
task<> shortages(std::chrono::steady_clock::time_point until) {
    if (support::sanitized) co_return;  // UBSan needs a descriptor to look at an object, and calls it invalid without
    for (;;) {
        co_await bide::sleep_for(300ms);
        if (std::chrono::steady_clock::now() >= until) co_return;
        const few_descriptors now;
        co_await bide::sleep_for(5ms);
    }
}

/// A port that is taken, and on which nobody listens.
class closed_port {
public:
    closed_port() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        socklen_t size = sizeof at;
        auto* const any = reinterpret_cast<sockaddr*>(&at);
        if (fd_ < 0 || ::bind(fd_, any, size) != 0 || ::getsockname(fd_, any, &size) != 0)
            throw std::system_error(errno, std::system_category(), "a port");
        port_ = ntohs(at.sin_port);
    }
    closed_port(const closed_port&) = delete;
    closed_port& operator=(const closed_port&) = delete;
    ~closed_port() { ::close(fd_); }
    [[nodiscard]] std::uint16_t get() const noexcept { return port_; }

private:
    int fd_;
    std::uint16_t port_ = 0;
};

long resident_kib() {
    std::ifstream in("/proc/self/statm");
    long all = 0;
    long resident = 0;
    in >> all >> resident;
    return resident * 4;
}

void say(const char* side, const tally& t) {
    std::cout << side << ": " << t.opened << " connections, " << t.sent << " bytes sent, " << t.received
              << " received\n";
    for (std::size_t i = 0; i < soak::plans; ++i)
        if (t.as_planned[i] != 0)
            std::cout << "  as planned, " << soak::plan_names[i] << ": " << t.as_planned[i] << '\n';
    for (const auto& [what, times] : t.faults) std::cout << "  met: " << what << ": " << times << '\n';
    for (const auto& [what, times] : t.wrong) std::cout << "  NOT PLANNED: " << what << ": " << times << '\n';
}

std::uint64_t sum(const std::map<std::string, std::uint64_t>& of) {
    std::uint64_t n = 0;
    for (const auto& [what, times] : of) n += times;
    return n;
}

long number(int argc, char** argv, int at, long otherwise) {
    return argc > at ? std::strtol(argv[at], nullptr, 10) : otherwise;
}

void run(std::chrono::seconds length, long callers, std::uint64_t seed, tally& at_server, tally& at_clients) {
    auto listener = bide::tcp_listener::listen(bide::ip_endpoint::any(0), 4096);
    const closed_port nobody;
    const auto until = std::chrono::steady_clock::now() + length;
    bide::loop_thread server;
    server.start();
    auto serving = server.submit(soak::serve, std::ref(listener), std::ref(at_server));
    bide::with_scope([&](bide::scope& s) {
        s.start(shortages, until);
        for (long i = 0; i < callers; ++i)
            s.start(soak::call, listener.local_endpoint().port(), nobody.get(), until,
                    soak::mix(seed + static_cast<std::uint64_t>(i)), std::ref(at_clients));
    });
    bide::sleep_for(1s).wait();  // whoever was cut off is noticed by the server, too
    serving.stop();
    try {
        serving.wait();
    } catch (const bide::cancelled&) {}
    server.stop();
}

}  // namespace

int main(int argc, char** argv) {
    const std::chrono::seconds length(number(argc, argv, 1, 10));
    if (length < 1s) {
        std::cerr << "soak [SECONDS [CALLERS [SEED]]]: for a second at least\n";
        return 2;
    }
    const long callers = number(argc, argv, 2, 100);
    const auto seed = static_cast<std::uint64_t>(number(argc, argv, 3, 1));
    std::cout << "soak: " << length.count() << " s, " << callers << " callers, seed " << seed << std::endl;
    {
        tally a;
        tally b;
        run(1s, callers, seed, a, b);  // what is made once is there, and not counted
    }
    const support::census before;
    const long memory_before = resident_kib();
    tally server;
    tally clients;
    run(length, callers, seed, server, clients);
    const support::census after;
    say("clients", clients);
    say("server", server);
    for (std::size_t i = 0; i < soak::plans; ++i)  // many connections, and none of a kind: it was not tested
        if (clients.opened > 5000 && clients.as_planned[i] == 0) clients.bad(static_cast<soak::plan>(i), "never came");
    if (clients.opened == 0) clients.bad(soak::plan::whole, "no connection at all");
    const std::uint64_t dropped = sum(clients.wrong) + sum(server.wrong);
    const bool leaks = before != after;
    std::cout << "before: " << before.text() << ", " << memory_before << " KiB\nafter:  " << after.text() << ", "
              << resident_kib() << " KiB\n"
              << "dropped by us: " << dropped << '\n'
              << "soak: " << clients.opened << " passed, " << dropped + (leaks ? 1 : 0) << " failed" << std::endl;
    return dropped == 0 && !leaks ? 0 : 1;
}
