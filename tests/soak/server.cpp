// SPDX-License-Identifier: BSL-1.0
#include "sides.hpp"

#include <bide/io/tcp_options.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include <sys/socket.h>
#include <exception>
#include <optional>
#include <vector>

namespace soak {
namespace {

using bide::task;
using namespace std::chrono_literals;

constexpr auto patience = 5s;  // with a client that says nothing: longer than a busy machine keeps one waiting

/// Null: it is silent.
task<std::optional<header>> greeting(bide::tcp_stream& peer) {
    header h;
    try {
        co_await bide::with_timeout(patience, peer.read_exactly(std::as_writable_bytes(std::span(&h, 1))));
    } catch (const bide::timed_out&) {
        co_return std::nullopt;
    }
    co_return h;
}

/// Sends back what comes, until the end or as the plan says.
task<> echo(bide::tcp_stream& peer, const header& h, tally& t) {
    std::vector<std::byte> buffer(std::size_t{1} + dice(h.seed).below(64 << 10));
    std::uint64_t place = 0;
    const bool stops = h.what == plan::server_resets || h.what == plan::server_closes;
    for (;;) {
        const auto got = co_await peer.try_read_some(buffer);
        if (got.error) throw std::system_error(got.error);
        if (got.value == 0) break;
        const auto bytes = std::span<const std::byte>(buffer).first(got.value);
        if (!is_right(bytes, h.seed, place)) t.bad(h.what, "a wrong byte at the server");
        place += got.value;
        t.received += got.value;
        if (stops && place > h.length / 2) {
            if (h.what == plan::server_resets) reset(peer);
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

task<> serve_one(bide::tcp_stream peer, tally& t) {
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
        if (expected && (is_reset(e.code()) || e.code() == bide::io_errc::end_of_stream))
            t.done(what);
        else
            t.bad(what, "at the server: " + e.code().message());
    }
}

}  // namespace

void reset(bide::tcp_stream& s) {
    const linger now{1, 0};
    ::setsockopt(s.native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

task<> serve(bide::tcp_listener& at, tally& t) {
    co_await bide::with_scope([&](bide::scope& s) -> task<> {
        for (;;) {
            auto peer = co_await at.try_accept();
            if (peer.ok()) {
                ++t.opened;
                s.start(serve_one, std::move(peer.value), std::ref(t));
            } else {
                t.met(peer.error);
                if (!is_short(peer.error)) t.bad(plan::whole, "accept: " + peer.error.message());
                co_await bide::sleep_for(1ms);
            }
        }
    });
}

}  // namespace soak
