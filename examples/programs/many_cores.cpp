// SPDX-License-Identifier: BSL-1.0
// many_cores [PORT [LOOPS]]: an echo server with a loop for each core. Every loop has a listener of its own at the one
// port, and the system deals the connections out: nothing is shared, nothing is handed over.
#include <bide/bide.hpp>
#include <bide/io/signal.hpp>
#include <bide/io/tcp_options.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

namespace {

bide::task<> echo(bide::tcp_stream peer) {
    std::vector<std::byte> buffer(std::size_t{16} << 10);
    for (;;) {
        const bide::result<std::size_t> got = co_await bide::as_result(peer.read_some(buffer));
        if (!got.ok() || got.value == 0) co_return;
        const auto sent = co_await bide::as_result(peer.write_all(std::span<const std::byte>(buffer).first(got.value)));
        if (!sent.ok()) co_return;
    }
}

bide::task<> serve(bide::tcp_listener& at, long& served) {
    auto body = [&](bide::scope& s) -> bide::task<> {
        for (;;) {
            bide::tcp_stream peer = co_await bide::accept_patiently(at);
            ++served;
            s.start(echo, std::move(peer));
        }
    };
    co_await bide::with_scope(body);
}

/// A loop, its thread, and what belongs to it. Each in memory of its own.
struct alignas(64) core {
    bide::tcp_listener at;
    long served = 0;
    bide::loop_thread thread;
    explicit core(const bide::ip_endpoint& where)
        : at(bide::tcp_listener::listen(where, bide::listen_options{.reuse_port = true})) {}
};

}  // namespace

int main(int argc, char** argv) {
    try {
        const int port = argc > 1 ? std::atoi(argv[1]) : 0;
        const unsigned loops =
            argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : std::thread::hardware_concurrency();
        bide::signal_set end{SIGINT, SIGTERM};
        bide::ip_endpoint where = bide::ip_endpoint::loopback(static_cast<std::uint16_t>(port));
        std::vector<std::unique_ptr<core>> cores;
        for (unsigned i = 0; i < loops; ++i) {
            cores.push_back(std::make_unique<core>(where));
            where = cores.front()->at.endpoint();
        }
        for (auto& c : cores) {
            c->thread.start();
            c->thread.submit(serve, std::ref(c->at), std::ref(c->served));
        }
        std::cout << "listening on " << where.to_string() << " with " << loops << " loops" << std::endl;
        end.next().wait();
        for (auto& c : cores) c->thread.shutdown();
        for (const auto& c : cores) std::cout << c->served << " connections\n";
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
