// SPDX-License-Identifier: BSL-1.0
#include "sides.hpp"

#include <bide/combine.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include <sys/socket.h>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace soak {
namespace {

using bide::task;
using namespace std::chrono_literals;

constexpr auto patience = 5s;  // with a client that says nothing: longer than a busy machine keeps one waiting

/// Null: it is silent.
template <class S>
task<std::optional<header>> greeting(S& peer) {
    header h;
    try {
        co_await bide::with_timeout(patience, peer.read_exactly(std::as_writable_bytes(std::span(&h, 1))));
    } catch (const bide::timed_out&) {
        co_return std::nullopt;
    }
    co_return h;
}

/// Sends back what comes, until the end or as the plan says.
template <class S>
task<> echo(S& peer, const header& h, tally& t) {
    std::vector<std::byte> buffer(std::size_t{1} + dice(h.seed).below(64 << 10));
    std::uint64_t place = 0;
    const bool stops = h.what == plan::server_resets || h.what == plan::server_closes;
    for (;;) {
        const auto got = co_await bide::as_result(peer.read_some(buffer));
        if (got.error) throw std::system_error(got.error);
        if (got.value == 0) break;
        const auto bytes = std::span<const std::byte>(buffer).first(got.value);
        if (!is_right(bytes, h.seed, place)) t.bad(h.what, "a wrong byte at the server");
        place += got.value;
        t.received += got.value;
        if (stops && place > h.length / 2) {
            if (h.what == plan::server_resets)
                cut(peer);
            else
                peer.close();
            t.done(h.what);
            co_return;
        }
        co_await peer.write_all(bytes);
        t.sent += got.value;
    }
    const bool early = h.what == plan::half_closed || h.what == plan::write_cancelled || h.what == plan::client_resets;
    if (place != h.length && !early) t.bad(h.what, "an early end at the server");
    co_await peer.finish();
    t.done(h.what);
}

template <class S>
task<> serve_one(S peer, tally& t) {
    std::optional<header> h;
    try {
        h = co_await greeting(peer);
        if (!h) {
            t.done(plan::silent);
            co_return;
        }
        if (h->what == plan::write_cancelled) co_await bide::sleep_for(30ms);
        co_await echo(peer, *h, t);
    } catch (const std::system_error& e) {
        t.met(e.code());
        const plan what = h ? h->what : plan::silent;
        const bool expected = what == plan::client_resets || what == plan::write_cancelled || what == plan::silent;
        if (expected && (is_gone(e.code()) || e.code() == bide::io_errc::end_of_stream))
            t.done(what);
        else
            t.bad(what, "at the server: " + e.code().message());
    }
}

task<> serve_tls(bide::tcp_stream below, const bide::tls_context& with, tally& t) {
    tls_over_tcp peer;
    try {
        peer = co_await bide::with_timeout(patience, bide::tls_accept(with, std::move(below)));
    } catch (const std::system_error& e) {
        t.met(e.code());
        if (e.code() == bide::tls_errc::handshake_cut || e.code() == std::errc::connection_reset)
            t.done(plan::no_handshake);
        else
            t.bad(plan::no_handshake, "at the server: " + e.code().message());
        co_return;
    }
    co_await serve_one(std::move(peer), t);
}

/// Serves each in a task of its own.
template <class Listener, class Serve>
task<> accept_all(Listener& at, tally& t, const Serve& begin) {
    co_await bide::with_scope([&](bide::scope& s) -> task<> {
        for (;;) {
            auto peer = co_await bide::as_result(at.accept());
            if (peer.ok()) {
                ++t.opened;
                begin(s, std::move(peer.value));
            } else {
                t.met(peer.error);
                if (!is_short(peer.error)) t.bad(plan::whole, "accept: " + peer.error.message());
                co_await bide::sleep_for(1ms);
            }
        }
    });
}

}  // namespace

void cut(bide::tcp_stream& s) {
    const linger now{1, 0};
    ::setsockopt(s.native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    s.close();
}

task<> serve(listeners& at, ledger& sums) {
    const auto by_tcp = [&](bide::scope& s, bide::tcp_stream peer) {
        s.start(serve_one<bide::tcp_stream>, std::move(peer), std::ref(sums.of(link::tcp)));
    };
    const auto by_local = [&](bide::scope& s, bide::local_stream peer) {
        s.start(serve_one<bide::local_stream>, std::move(peer), std::ref(sums.of(link::local)));
    };
    const auto by_tls = [&](bide::scope& s, bide::tcp_stream below) {
        s.start(serve_tls, std::move(below), std::cref(at.identity), std::ref(sums.of(link::tls)));
    };
    co_await bide::when_all(accept_all(at.tcp, sums.of(link::tcp), by_tcp),
                            accept_all(at.local, sums.of(link::local), by_local),
                            accept_all(at.tls, sums.of(link::tls), by_tls));
}

}  // namespace soak
