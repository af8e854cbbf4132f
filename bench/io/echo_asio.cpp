// SPDX-License-Identifier: BSL-1.0
//
// Boost.Asio on epoll, as its users write it: coroutines, or with the argument "callbacks" without.
#include "../asio.hpp"
#include "listen.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstring>
#include <memory>
#include <utility>

namespace {

using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket peer) {
    try {
        std::array<char, 4096> buffer;
        for (;;) {
            const std::size_t n = co_await peer.async_read_some(asio::buffer(buffer), asio::use_awaitable);
            co_await asio::async_write(peer, asio::buffer(buffer.data(), n), asio::use_awaitable);
        }
    } catch (const boost::system::system_error&) {  // the end
    }
}

asio::awaitable<void> serve(tcp::acceptor& at) {
    for (;;) {
        tcp::socket peer = co_await at.async_accept(asio::use_awaitable);
        peer.set_option(tcp::no_delay(true));
        asio::co_spawn(at.get_executor(), echo(std::move(peer)), asio::detached);
    }
}

struct session : std::enable_shared_from_this<session> {
    explicit session(tcp::socket s) : peer(std::move(s)) {}
    void read() {
        auto self = shared_from_this();
        peer.async_read_some(asio::buffer(buffer), [this, self](const boost::system::error_code& e, std::size_t n) {
            if (e) return;
            asio::async_write(peer, asio::buffer(buffer.data(), n),
                              [this, self](const boost::system::error_code& failed, std::size_t) {
                                  if (!failed) read();
                              });
        });
    }
    tcp::socket peer;
    std::array<char, 4096> buffer{};
};

void accept(tcp::acceptor& at) {
    at.async_accept([&at](const boost::system::error_code& e, tcp::socket peer) {
        if (!e) {
            peer.set_option(tcp::no_delay(true));
            std::make_shared<session>(std::move(peer))->read();
        }
        accept(at);
    });
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context context(1);
    tcp::acceptor at(context, {asio::ip::address_v4::loopback(), 0});
    at.listen(4096);
    say_port(at.local_endpoint().port());
    if (argc > 1 && std::strcmp(argv[1], "callbacks") == 0)
        accept(at);
    else
        asio::co_spawn(context, serve(at), asio::detached);
    context.run();
}
