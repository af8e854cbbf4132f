// SPDX-License-Identifier: BSL-1.0
#include "exchange.hpp"
#include "sides.hpp"

#include <bide/io/stream.hpp>
#include <bide/time.hpp>

#include <exception>
#include <string>
#include <utility>

namespace soak {
namespace {

link link_of(dice& d) {
    const std::uint64_t n = d.below(8);
    return n < 4 ? link::tcp : n < 6 ? link::local : link::tls;
}

header plan_of(dice& d, link via) {
    header h;
    h.seed = d.below(~std::uint64_t{0});
    h.what = static_cast<plan>(d.below(plans));
    if (h.what == plan::no_handshake && via != link::tls) h.what = plan::whole;
    if (h.what == plan::write_cancelled && d.below(8) != 0) h.what = plan::whole;  // it is much, and waits for long
    if (h.what == plan::silent && d.below(32) != 0) h.what = plan::whole;          // it waits for the server's patience
    h.length = static_cast<std::uint32_t>(d.below(d.below(4) == 0 ? 200'000 : 5'000));
    if (h.what == plan::slow) h.length %= 100;
    if (h.what == plan::write_cancelled) h.length = 16 << 20;
    if (h.what == plan::half_closed || h.what == plan::server_resets || h.what == plan::server_closes) h.length += 64;
    return h;
}

/// True: there is a connection, as it was to be.
template <class S>
task<bool> is_connected(const bide::result<S>& made, const header& h, tally& t) {
    const bool refused = h.what == plan::refused;
    if (refused && made.error == std::errc::connection_refused) {
        t.met(made.error);
        t.done(h.what);
    } else if (is_short(made.error)) {
        t.met(made.error);
        co_await bide::sleep_for(1ms);
    } else if (made.error) {
        t.bad(h.what, "connect: " + made.error.message());
    } else if (refused) {
        t.bad(h.what, "somebody listens");
    } else {
        ++t.opened;
        co_return true;
    }
    co_return false;
}

template <class S>
task<> talk(S peer, const header& h, tally& t) {
    exchange<S> x{peer, h, t, dice(h.seed ^ 1), {}, {}};
    co_await carry_out(x);
}

task<bide::result<bide::tcp_stream>> to_tcp(const addresses& at, std::uint16_t port, const header& h, dice& d) {
    // Many addresses of this host: a pair of ports is not free again at once.
    const std::string host = "127.0.0." + std::to_string(1 + d.below(200));
    const bide::ip_endpoint to = bide::ip_endpoint::parse(host, h.what == plan::refused ? at.nobody : port);
    auto made = co_await bide::as_result(bide::tcp_stream::connect(to));
    co_return made;
}

task<> by_tcp(const addresses& at, const header& h, dice& d, tally& t) {
    auto made = co_await to_tcp(at, at.tcp, h, d);
    const bool there = co_await is_connected(made, h, t);
    if (there) co_await talk(std::move(made.value), h, t);
}

task<> by_local(const addresses& at, const header& h, tally& t) {
    auto made =
        co_await bide::as_result(bide::local_stream::connect(h.what == plan::refused ? at.local_nobody : at.local));
    const bool there = co_await is_connected(made, h, t);
    if (there) co_await talk(std::move(made.value), h, t);
}

task<> by_tls(const addresses& at, const header& h, dice& d, tally& t) {
    auto made = co_await to_tcp(at, at.tls, h, d);
    const bool there = co_await is_connected(made, h, t);
    if (!there) co_return;
    if (h.what == plan::no_handshake) {
        t.done(h.what);
        co_return;
    }
    tls_over_tcp peer = co_await bide::tls_connect(at.trusting, std::move(made.value), "localhost");
    co_await talk(std::move(peer), h, t);
}

}  // namespace

task<> call(const addresses& at, std::chrono::steady_clock::time_point until, std::uint64_t seed, ledger& sums) {
    dice d(seed);
    while (std::chrono::steady_clock::now() < until) {
        const link via = link_of(d);
        const header h = plan_of(d, via);
        tally& t = sums.of(via);
        try {
            if (via == link::tcp) co_await by_tcp(at, h, d, t);
            if (via == link::local) co_await by_local(at, h, t);
            if (via == link::tls) co_await by_tls(at, h, d, t);
        } catch (const std::exception& e) {
            t.bad(h.what, std::string("at the client: ") + e.what());
        }
    }
}

}  // namespace soak
