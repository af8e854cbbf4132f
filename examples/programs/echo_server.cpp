// SPDX-License-Identifier: BSL-1.0
// echo_server [PORT]: sends everything back, to any number of clients, until SIGINT or SIGTERM.
#include <bide/bide.hpp>
#include <bide/io/signal.hpp>
#include <bide/io/tcp_options.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <vector>

namespace {

bide::task<> echo(bide::tcp_stream peer) {
    try {
        std::vector<std::byte> buffer(std::size_t{64} << 10);
        while (const std::size_t n = co_await peer.read_some(buffer))
            co_await peer.write_all(std::span<const std::byte>(buffer).first(n));
    } catch (const std::system_error& e) {  // this client is gone; the others are not
        std::cerr << e.what() << '\n';
    }
}

bide::task<> serve(bide::tcp_listener& at, bide::scope_ref clients) {
    for (;;) {
        bide::tcp_stream peer = co_await bide::accept_patiently(at);
        clients.start(echo, std::move(peer));
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const int port = argc > 1 ? std::atoi(argv[1]) : 0;
        auto at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(static_cast<std::uint16_t>(port)));
        std::cout << "listening on " << at.endpoint().to_string() << std::endl;
        bide::signal_set end{SIGINT, SIGTERM};
        bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
            s.start(serve, std::ref(at), s.ref());
            end.next().wait();  // and the clients are served meanwhile
        });
        std::cout << "good bye" << std::endl;
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
