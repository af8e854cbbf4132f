// SPDX-License-Identifier: BSL-1.0
//
// A file over a connection: Boost.Asio's coroutines on epoll. Files are read with pread: Asio reads none there.
#include "../asio.hpp"
#include "bulk.hpp"

#include <unistd.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <utility>
#include <vector>

namespace {

using asio::ip::tcp;

template <class Stream>
asio::awaitable<void> answer(Stream& peer, const bulk::arguments& a) {
    std::vector<char> buffer(bulk::piece);
    co_await peer.async_read_some(asio::buffer(buffer), asio::use_awaitable);  // one request, which is in one piece
    const int file = bulk::open(a.path("bulk"));
    const std::string head = bulk::head(bulk::size_of(file));
    co_await asio::async_write(peer, asio::buffer(head), asio::use_awaitable);
    for (off_t at = 0;;) {
        const ssize_t n = ::pread(file, buffer.data(), buffer.size(), at);
        if (n <= 0) break;
        co_await asio::async_write(peer, asio::buffer(buffer.data(), static_cast<std::size_t>(n)), asio::use_awaitable);
        at += n;
    }
    ::close(file);
}

asio::awaitable<void> plain(tcp::socket peer, const bulk::arguments& a) { co_await answer(peer, a); }

asio::awaitable<void> secured(tcp::socket peer, const bulk::arguments& a, asio::ssl::context& context) {
    asio::ssl::stream<tcp::socket> s(std::move(peer), context);
    co_await s.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
    co_await answer(s, a);
    boost::system::error_code closed;
    co_await s.async_shutdown(asio::redirect_error(asio::use_awaitable, closed));
}

asio::awaitable<void> serve(tcp::acceptor& at, const bulk::arguments& a, asio::ssl::context& context) {
    for (;;) {
        tcp::socket peer = co_await at.async_accept(asio::use_awaitable);
        peer.set_option(tcp::no_delay(true));
        if (a.tls)
            asio::co_spawn(at.get_executor(), secured(std::move(peer), a, context), asio::detached);
        else
            asio::co_spawn(at.get_executor(), plain(std::move(peer), a), asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bulk::arguments a(argc, argv);
    asio::io_context context(1);
    asio::ssl::context tls(asio::ssl::context::tls_server);
    if (a.tls) {
        tls.use_certificate_chain_file(a.path("cert.pem"));
        tls.use_private_key_file(a.path("key.pem"), asio::ssl::context::pem);
    }
    tcp::acceptor at(context, {asio::ip::address_v4::loopback(), 0});
    say_port(at.local_endpoint().port());
    asio::co_spawn(context, serve(at, a, tls), asio::detached);
    context.run();
}
