// SPDX-License-Identifier: BSL-1.0
// soak [SECONDS [CALLERS [SEED]]]: connections that go wrong in every way, over loopback, for as long as one likes. Every
// byte is checked; what was not planned is counted as dropped by us. At the end everything must be as it was.
#include "sides.hpp"

#include "support/census.hpp"

#include <bide/io/ip_endpoint.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include <sys/resource.h>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

namespace {

using bide::task;
using soak::tally;
using namespace std::chrono_literals;

/// Now and then there are no descriptors left for a moment.
task<> shortages(std::chrono::steady_clock::time_point until) {
    rlimit plenty{};
    ::getrlimit(RLIMIT_NOFILE, &plenty);
    while (std::chrono::steady_clock::now() + 2s < until) {
        co_await bide::sleep_for(1s);
        rlimit few = plenty;
        few.rlim_cur = 20;
        ::setrlimit(RLIMIT_NOFILE, &few);
        co_await bide::sleep_for(5ms);
        ::setrlimit(RLIMIT_NOFILE, &plenty);
    }
}

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
    // Bound, and nobody listens.
    auto nobody = bide::tcp_listener::listen(bide::ip_endpoint::any(0), 1);
    const std::uint16_t closed = nobody.local_endpoint().port();
    nobody.close();
    const auto until = std::chrono::steady_clock::now() + length;
    bide::loop_thread server;
    server.start();
    auto serving = server.submit(soak::serve, std::ref(listener), std::ref(at_server));
    bide::with_scope([&](bide::scope& s) {
        s.start(shortages, until);
        for (long i = 0; i < callers; ++i)
            s.start(soak::call, listener.local_endpoint().port(), closed, until,
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
    const std::uint64_t dropped = sum(clients.wrong) + sum(server.wrong);
    const bool leaks = before != after;
    std::cout << "before: " << before.text() << ", " << memory_before << " KiB\nafter:  " << after.text() << ", "
              << resident_kib() << " KiB\n"
              << "dropped by us: " << dropped << '\n'
              << "soak: " << clients.opened << " passed, " << dropped + (leaks ? 1 : 0) << " failed" << std::endl;
    return dropped == 0 && !leaks ? 0 : 1;
}
