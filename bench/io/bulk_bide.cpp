// SPDX-License-Identifier: BSL-1.0
//
// A file over a connection: bide, as its users write it. BIDE_DRIVER chooses.
#include "bulk.hpp"

#include <bide/bide.hpp>
#include <bide/io/copy.hpp>
#include <bide/io/file.hpp>
#include <bide/io/tcp.hpp>
#include <bide/io/tls.hpp>

#include <array>
#include <optional>
#include <span>
#include <utility>

namespace {

template <class Stream>
bide::task<> answer(Stream& peer, const bulk::arguments& a) {
    std::array<std::byte, 1024> request;
    if (co_await peer.read_some(request) == 0) co_return;  // one request, which is in one piece
    bide::file f = co_await bide::file::open(a.path("bulk"));
    const bide::file_information known = co_await f.information();
    const std::string head = bulk::head(known.size);
    co_await peer.write_all(std::as_bytes(std::span(head)));
    bide::file_stream content(f);
    co_await bide::copy(content, peer);  // in pieces of 64 KiB
    co_await peer.finish();
}

bide::task<> plain(bide::tcp_stream peer, const bulk::arguments& a) { co_await answer(peer, a); }

bide::task<> secured(bide::tcp_stream peer, const bulk::arguments& a, bide::tls_context context) {
    auto s = co_await bide::tls_accept(std::move(context), std::move(peer));
    co_await answer(s, a);
}

bide::task<> serve(bide::tcp_listener& at, const bulk::arguments& a) {
    std::optional<bide::tls_context> context;
    if (a.tls) context = bide::tls_context::server(a.path("cert.pem"), a.path("key.pem"));
    auto accept = [&](bide::scope& s) -> bide::task<> {
        for (;;) {
            bide::tcp_stream peer = co_await at.accept();
            if (a.tls)
                s.start(secured, std::move(peer), std::cref(a), *context);
            else
                s.start(plain, std::move(peer), std::cref(a));
        }
    };
    co_await bide::with_scope(accept);
}

}  // namespace

int main(int argc, char** argv) {
    const bulk::arguments a(argc, argv);
    auto at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));
    say_port(at.endpoint().port());
    serve(at, a).wait();
}
