// SPDX-License-Identifier: BSL-1.0
// forward LISTEN-PORT ADDRESS:PORT: passes connections on. The bytes never come into the program: the kernel moves
// them.
#include <bide/bide.hpp>
#include <bide/io/copy.hpp>
#include <bide/io/signal.hpp>
#include <bide/io/tcp_options.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace {

bide::task<> one_way(bide::tcp_stream& from, bide::tcp_stream& to) {
    static_cast<void>(co_await bide::copy(from, to));
    co_await to.finish();  // the end goes on too, and the other way stays open
}

bide::task<> forward(bide::tcp_stream client, bide::ip_endpoint to) {
    try {
        bide::tcp_stream server = co_await bide::with_timeout(std::chrono::seconds(10), bide::tcp_stream::connect(to));
        co_await bide::when_all(one_way(client, server), one_way(server, client));
    } catch (const std::exception& e) {  // one that fails ends both ways, and no other connection
        std::cerr << e.what() << '\n';
    }
}

bide::task<> serve(bide::tcp_listener& at, bide::ip_endpoint to, bide::scope_ref connections) {
    for (;;) {
        bide::tcp_stream client = co_await bide::accept_patiently(at);
        connections.start(forward, std::move(client), to);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: forward LISTEN-PORT ADDRESS:PORT\n";
        return 2;
    }
    try {
        const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
        const bide::ip_endpoint to = bide::ip_endpoint::parse(argv[2]);
        auto at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(port));
        std::cout << "listening on " << at.endpoint().to_string() << std::endl;
        bide::signal_set end{SIGINT, SIGTERM};
        bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
            s.start(serve, std::ref(at), to, s.ref());
            end.next().wait();
        });
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
