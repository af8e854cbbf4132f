// SPDX-License-Identifier: BSL-1.0
// soak [SECONDS [CALLERS [SEED]]]: connections that go wrong in every way (over loopback: TCP, local sockets, TLS), and
// files beside them, for as long as one likes. Every byte is checked; what was not planned is counted as dropped by us.
// The table has what happened, by kind. At the end everything must be as it was.
#include "disk.hpp"
#include "report.hpp"
#include "sides.hpp"

#include "support/census.hpp"
#include "support/certificates.hpp"
#include "support/sanitizer.hpp"
#include "support/temporary_directory.hpp"

#include <bide/debug/dump.hpp>
#include <bide/io/ip_endpoint.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/threads.hpp>
#include <bide/time.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

namespace {

using bide::task;
using soak::ledger;
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

/// A soak that does not end says where everything stands, and is aborted.
class patience {
public:
    explicit patience(std::chrono::seconds limit)
        : thread_([this, limit] {
              std::unique_lock guard(m_);
              if (changed_.wait_for(guard, limit, [this] { return over_; })) return;
              std::cerr << "soak: it does not end\n";
              bide::debug::dump(std::cerr);
              std::abort();
          }) {}
    patience(const patience&) = delete;
    patience& operator=(const patience&) = delete;
    ~patience() {
        {
            const std::lock_guard guard(m_);
            over_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

private:
    std::mutex m_;
    std::condition_variable changed_;
    bool over_ = false;  // under m_
    std::thread thread_;
};

long resident_kib() {
    std::ifstream in("/proc/self/statm");
    long all = 0;
    long resident = 0;
    in >> all >> resident;
    return resident * 4;
}

long number(int argc, char** argv, int at, long otherwise) {
    return argc > at ? std::strtol(argv[at], nullptr, 10) : otherwise;
}

void run(std::chrono::seconds length, long callers, std::uint64_t seed, ledger& at_server, ledger& at_clients) {
    static const support::authority ours("the soak");
    static const support::issued_certificate identity = ours.issue("DNS:localhost");
    const std::string name = "bide-soak-" + std::to_string(::getpid());
    bide::tls_options server_side;
    server_side.certificates = identity.certificate;
    server_side.key = identity.key;
    bide::tls_options client_side;
    client_side.roots = ours.pem();
    soak::listeners at{bide::tcp_listener::listen(bide::ip_endpoint::any(0), {.backlog = 4096}),
                       bide::local_listener::listen(bide::local_endpoint::abstract(name), {.backlog = 4096}),
                       bide::tcp_listener::listen(bide::ip_endpoint::any(0), {.backlog = 4096}),
                       bide::tls_context::server(server_side)};
    const closed_port nobody;
    const soak::addresses to{at.tcp.endpoint().port(),
                             at.tls.endpoint().port(),
                             nobody.get(),
                             at.local.endpoint(),
                             bide::local_endpoint::abstract(name + "-nobody"),
                             bide::tls_context::client(client_side)};
    const support::temporary_directory directory;
    const auto until = std::chrono::steady_clock::now() + length;
    bide::loop_thread server;
    server.start();
    auto serving = server.submit(soak::serve, std::ref(at), std::ref(at_server));
    bide::with_scope([&](bide::scope& s) {
        s.start(shortages, until);
        for (long i = 0; i < callers; ++i)
            s.start(soak::call, std::cref(to), until, soak::mix(seed + static_cast<std::uint64_t>(i)),
                    std::ref(at_clients));
        for (std::uint64_t i = 0; i < 4; ++i)
            s.start(soak::use_files, directory.path(), until, soak::mix(~seed - i),
                    std::ref(at_clients.of(soak::link::disk)));
    });
    bide::sleep_for(1s).wait();  // so that the server, too, notices the connections that were cut
    serving.stop();
    try {
        serving.wait();
    } catch (const bide::cancelled&) {}
    server.shutdown();
    bide::shutdown();  // threads that idle
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
    const patience limited(length + 180s);  // a slow machine ends late
    {
        ledger a;
        ledger b;
        run(1s, callers, seed, a, b);  // what is made once is there, and not counted
    }
    const support::census before;
    const long memory_before = resident_kib();
    ledger server;
    ledger clients;
    run(length, callers, seed, server, clients);
    const support::census after;
    std::cout << soak::report("clients", clients) << soak::report("server", server);
    const std::uint64_t opened = soak::connections(clients);
    if (opened > 5000) soak::miss_what_never_came(clients);
    if (opened == 0) clients.of(soak::link::tcp).bad(soak::plan::whole, "no connection at all");
    const std::uint64_t dropped = soak::dropped(clients) + soak::dropped(server);
    const bool leaks = before != after;
    std::cout << "before: " << before.text() << ", " << memory_before << " KiB\nafter:  " << after.text() << ", "
              << resident_kib() << " KiB\n"
              << "dropped by us: " << dropped << '\n'
              << "soak: " << opened << " passed, " << dropped + (leaks ? 1 : 0) << " failed" << std::endl;
    return dropped == 0 && !leaks ? 0 : 1;
}
