// SPDX-License-Identifier: BSL-1.0
#include "sides.hpp"

#include <bide/combine.hpp>
#include <bide/time.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace soak {
namespace {

using bide::task;
using namespace std::chrono_literals;

/// What is written comes from here; how far it has come is for the reader to know.
struct exchange {
    bide::tcp_stream& peer;
    header h;
    tally& t;
    dice d;
    hash out;
    hash back;
    std::uint64_t written = 0;
    std::uint64_t read = 0;
};

std::size_t chunk(exchange& x) {
    return static_cast<std::size_t>(x.h.what == plan::slow ? 1 + x.d.below(7) : 1 + x.d.below(16 << 10));
}

task<> send(exchange& x, std::uint64_t until) {
    std::vector<std::byte> buffer(16 << 10);
    while (x.written < until) {
        const auto bytes = std::span(buffer).first(std::min<std::uint64_t>(chunk(x), until - x.written));
        fill(bytes, x.h.seed, x.written);
        co_await x.peer.write_all(bytes);
        x.out.add(bytes);
        x.written += bytes.size();
        x.t.sent += bytes.size();
        if (x.h.what == plan::slow) co_await bide::sleep_for(1ms);
    }
    if (x.h.what != plan::client_resets) co_await x.peer.finish();
}

/// Once, or nothing in the time that it is given.
task<std::optional<std::size_t>> read_once(exchange& x, std::span<std::byte> to) {
    if (x.h.what != plan::reads_cancelled) {
        const std::size_t n = co_await x.peer.read_some(to);
        co_return n;
    }
    try {
        const std::size_t n =
            co_await bide::with_timeout(std::chrono::microseconds(x.d.below(400)), x.peer.read_some(to));
        co_return n;
    } catch (const bide::timed_out&) {
        co_return std::nullopt;
    }
}

task<> receive(exchange& x, std::uint64_t until) {
    std::vector<std::byte> buffer(16 << 10);
    while (x.read < until) {
        const auto n = co_await read_once(x, std::span(buffer).first(chunk(x)));
        if (!n) {
            ++x.t.faults["(a read was stopped)"];
            continue;
        }
        if (*n == 0) co_return;
        const auto bytes = std::span<const std::byte>(buffer).first(*n);
        if (!is_right(bytes, x.h.seed, x.read)) x.t.bad(x.h.what, "a wrong byte at the client");
        x.back.add(bytes);
        x.read += *n;
        x.t.received += *n;
    }
}

/// Everything there and back, to the end of both sides.
task<> there_and_back(exchange& x) {
    const std::uint64_t all = x.h.what == plan::half_closed ? x.d.below(x.h.length) : x.h.length;
    co_await bide::when_all(send(x, all), receive(x, ~std::uint64_t{0}));
    if (x.read != all) x.t.bad(x.h.what, "not everything came back");
    if (x.back != x.out) x.t.bad(x.h.what, "the hashes differ");
    x.t.done(x.h.what);
}

task<> reset_in_the_middle(exchange& x) {
    co_await bide::when_all(send(x, x.h.length / 2), receive(x, x.h.length / 4));
    reset(x.peer);
    x.peer.close();
    x.t.done(x.h.what);
}

/// The server goes in the middle. Both directions may find out.
task<> until_the_server_goes(exchange& x) {
    const auto [out, in] = co_await bide::when_all_settled(send(x, x.h.length), receive(x, ~std::uint64_t{0}));
    for (const std::exception_ptr& e : {out.error(), in.error()}) {
        if (!e) continue;
        try {
            std::rethrow_exception(e);
        } catch (const std::system_error& error) {
            x.t.met(error.code());
            if (!is_reset(error.code())) throw;
        }
    }
    if (x.read >= x.h.length) x.t.bad(x.h.what, "everything came back");
    x.t.done(x.h.what);
}

task<> give_up_writing(exchange& x) {
    std::vector<std::byte> much(x.h.length);
    fill(much, x.h.seed, 0);
    bool cut = false;
    try {
        co_await bide::with_timeout(3ms, x.peer.write_all(much));
    } catch (const bide::timed_out&) {
        cut = true;
    }
    ++x.t.faults[cut ? "(a write was stopped)" : "(a write that was to be stopped was quicker)"];
    if (cut) {
        const auto more = co_await x.peer.try_write_all(std::span(much).first(1));
        // Stopped before its first byte it harms nothing; afterwards the stream must refuse more.
        if (more.error && more.error != bide::io_errc::write_cut) throw std::system_error(more.error);
    }
    x.peer.close();
    x.t.done(x.h.what);
}

task<> say_nothing(bide::tcp_stream& peer, tally& t) {
    std::byte one{};
    if (co_await peer.read_some(std::span(&one, 1)) != 0) t.bad(plan::silent, "something came");
    t.done(plan::silent);
}

task<> carry_out(exchange& x) {
    if (x.h.what == plan::silent) {
        co_await say_nothing(x.peer, x.t);
        co_return;
    }
    co_await x.peer.write_all(std::as_bytes(std::span(&x.h, 1)));
    switch (x.h.what) {
        case plan::client_resets:
            co_await reset_in_the_middle(x);
            break;
        case plan::server_resets:
        case plan::server_closes:
            co_await until_the_server_goes(x);
            break;
        case plan::write_cancelled:
            co_await give_up_writing(x);
            break;
        default:
            co_await there_and_back(x);
    }
}

header plan_of(dice& d) {
    header h;
    h.seed = d.below(~std::uint64_t{0});
    h.what = static_cast<plan>(d.below(plans));
    if (h.what == plan::write_cancelled && d.below(8) != 0) h.what = plan::whole;  // it is much, and waits for long
    if (h.what == plan::silent && d.below(32) != 0) h.what = plan::whole;          // it waits for the server's patience
    h.length = static_cast<std::uint32_t>(d.below(d.below(4) == 0 ? 200'000 : 5'000));
    if (h.what == plan::slow) h.length %= 100;
    if (h.what == plan::write_cancelled) h.length = 16 << 20;
    if (h.what == plan::half_closed || h.what == plan::server_resets || h.what == plan::server_closes) h.length += 64;
    return h;
}

task<> one_connection(std::uint16_t port, std::uint16_t closed, dice& d, tally& t) {
    const header h = plan_of(d);
    // Many addresses of this host: a pair of ports is not free again at once.
    const std::string host = "127.0.0." + std::to_string(1 + d.below(200));
    const bool refused = h.what == plan::refused;
    auto made = co_await bide::tcp_stream::try_connect(bide::ip_endpoint::parse(host, refused ? closed : port));
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
        exchange x{made.value, h, t, dice(h.seed ^ 1), {}, {}};
        co_await carry_out(x);
    }
}

}  // namespace

task<> call(std::uint16_t port, std::uint16_t closed, std::chrono::steady_clock::time_point until, std::uint64_t seed,
            tally& t) {
    dice d(seed);
    while (std::chrono::steady_clock::now() < until) {
        try {
            co_await one_connection(port, closed, d, t);
        } catch (const std::exception& e) {
            ++t.wrong[std::string("at the client: ") + e.what()];
        }
    }
}

}  // namespace soak
