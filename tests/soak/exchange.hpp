// SPDX-License-Identifier: BSL-1.0
//
// The client's side of one connection, over any link.
#pragma once

#include "tally.hpp"

#include <bide/combine.hpp>
#include <bide/scope.hpp>
#include <bide/task.hpp>
#include <bide/time.hpp>

#include <sys/socket.h>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace soak {

using bide::task;
using namespace std::chrono_literals;

/// What is written comes from here; how far it has come is for the reader to know.
template <class S>
struct exchange {
    S& peer;
    header h;
    tally& t;
    dice d;
    hash out;
    hash back;
    std::uint64_t written = 0;
    std::uint64_t read = 0;
};

template <class S>
std::size_t chunk(exchange<S>& x) {
    return static_cast<std::size_t>(x.h.what == plan::slow ? 1 + x.d.below(7) : 1 + x.d.below(16 << 10));
}

template <class S>
task<> send(exchange<S>& x, std::uint64_t until) {
    std::vector<std::byte> buffer(16 << 10);
    while (x.written < until) {
        const auto bytes = std::span(buffer).first(std::min<std::uint64_t>(chunk(x), until - x.written));
        fill(bytes, x.h.seed, x.written);
        std::size_t n = bytes.size();
        if (x.d.below(4) == 0)
            n = co_await x.peer.write_some(bytes);
        else
            co_await x.peer.write_all(bytes);
        if (n < bytes.size()) ++x.t.faults["(a write went in parts)"];
        x.out.add(bytes.first(n));
        x.written += n;
        x.t.sent += n;
        if (x.h.what == plan::slow) co_await bide::sleep_for(1ms);
    }
    if (x.h.what != plan::client_resets) co_await x.peer.finish();
}

/// It takes little at a time, so that writes go in parts.
inline void narrow(int fd) {
    const int little = 4096;
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
}
inline int descriptor_of(const bide::tcp_stream& s) { return s.native_handle(); }
inline int descriptor_of(const bide::local_stream& s) { return s.native_handle(); }
inline int descriptor_of(tls_over_tcp& s) { return s.below().native_handle(); }

/// Once, or nothing in the time that it is given.
template <class S>
task<std::optional<std::size_t>> read_once(exchange<S>& x, std::span<std::byte> to) {
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

template <class S>
task<> receive(exchange<S>& x, std::uint64_t until) {
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
template <class S>
task<> there_and_back(exchange<S>& x) {
    const std::uint64_t all = x.h.what == plan::half_closed ? x.d.below(x.h.length) : x.h.length;
    co_await bide::when_all(send(x, all), receive(x, ~std::uint64_t{0}));
    if (x.read != all) x.t.bad(x.h.what, "not everything came back");
    if (x.back != x.out) x.t.bad(x.h.what, "the hashes differ");
    x.t.returned_out += x.written;
    x.t.returned_in += x.read;
    x.t.done(x.h.what);
}

template <class S>
task<> cut_in_the_middle(exchange<S>& x) {
    // A client that has stopped reading must not wait for its writing: the server does not read before it has written.
    co_await bide::with_scope({.exit = bide::exit_mode::cancel}, [&x](bide::scope& s) -> task<> {
        s.start([&x] { return send(x, x.h.length / 2); });
        co_await receive(x, x.h.length / 4);
    });
    cut(x.peer);
    x.t.done(x.h.what);
}

/// The server goes in the middle. Both directions may find out.
template <class S>
task<> until_the_server_goes(exchange<S>& x) {
    const auto [out, in] = co_await bide::when_all_settled(send(x, x.h.length), receive(x, ~std::uint64_t{0}));
    for (const std::exception_ptr& e : {out.error(), in.error()}) {
        if (!e) continue;
        try {
            std::rethrow_exception(e);
        } catch (const std::system_error& error) {
            x.t.met(error.code());
            if (!is_gone(error.code())) throw;
        }
    }
    if (x.read >= x.h.length) x.t.bad(x.h.what, "everything came back");
    x.t.done(x.h.what);
}

template <class S>
task<> give_up_writing(exchange<S>& x) {
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
        const auto more = co_await bide::as_result(x.peer.write_all(std::span(much).first(1)));
        // Stopped before its first byte it harms nothing; afterwards the stream must refuse more.
        if (more.error && more.error != bide::io_errc::write_cut) throw std::system_error(more.error);
    }
    x.peer.close();
    x.t.done(x.h.what);
}

template <class S>
task<> say_nothing(S& peer, tally& t) {
    std::byte one{};
    const auto got = co_await bide::as_result(peer.read_some(std::span(&one, 1)));
    // The server goes without a word, which tls does not take for the end.
    if (got.error && got.error != bide::tls_errc::truncated) throw std::system_error(got.error);
    if (got.value != 0) t.bad(plan::silent, "something came");
    t.done(plan::silent);
}

template <class S>
task<> carry_out(exchange<S>& x) {
    if (x.h.what == plan::silent) {
        co_await say_nothing(x.peer, x.t);
        co_return;
    }
    if (x.d.below(4) == 0) narrow(descriptor_of(x.peer));
    co_await x.peer.write_all(std::as_bytes(std::span(&x.h, 1)));
    switch (x.h.what) {
        case plan::client_resets:
            co_await cut_in_the_middle(x);
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

}  // namespace soak
