// SPDX-License-Identifier: BSL-1.0
// A loop that stands still in a wait(), and I/O: what was begun on it goes on as far as others need it.
#include "support/tcp_pair.hpp"
#include "support/watchdog.hpp"

#include <bide/combine.hpp>
#include <bide/io/tcp.hpp>
#include <bide/loop.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/threads.hpp>
#include <bide/time.hpp>
#include <bide/wait.hpp>

#include <gtest/gtest.h>
#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::ip_endpoint;
using bide::task;
using bide::tcp_listener;
using bide::tcp_stream;
using pair = support::tcp_pair;

std::string read_text(tcp_stream& from, std::size_t n) {
    std::string text(n, '?');
    from.read_exactly(std::as_writable_bytes(std::span(text))).wait();
    return text;
}

// The write is queued for the kernel; plain code beside it waits for the answer.
TEST(blocked_loop, C1_5_what_it_has_queued_is_sent_before_it_stands_still) {
    const support::watchdog here(20s);
    pair p;
    const auto sends = [&]() -> task<> { co_await p.client.write_all(std::as_bytes(std::span("ping", 4))); };
    const auto waits_plainly = [&]() -> task<std::string> { co_return read_text(p.server, 4); };
    const auto both = [&]() -> task<std::string> {
        auto [nothing, text] = co_await bide::when_all(sends(), waits_plainly());
        co_return text;
    };
    EXPECT_EQ(both().wait(), "ping");
}

// A read has left its request with the ring of this loop; a job reads on while this loop waits for the job.
TEST(blocked_loop, C1_5_what_it_receives_for_nobody_is_given_up_before_it_stands_still) {
    const support::watchdog here(20s);
    for (const bool own_loop : {false, true}) {
        pair p;
        const auto reads_then_waits = [&]() -> task<std::string> {
            std::array<std::byte, 1> one{};
            co_await p.server.read_exactly(one);
            co_return bide::to_thread([&p] { return read_text(p.server, 3); }).wait();
        };
        p.client.write_all(std::as_bytes(std::span("p", 1))).wait();
        auto later = bide::to_thread([&p] {
            std::this_thread::sleep_for(50ms);  // not needed: so that the job waits for it, as a rule
            p.client.write_all(std::as_bytes(std::span("ing", 3))).wait();
        });
        if (own_loop) {
            bide::loop l;
            auto f = l.submit(reads_then_waits);
            l.run();
            EXPECT_EQ(f.value(), "ing");
        } else {
            EXPECT_EQ(reads_then_waits().wait(), "ing");
        }
        later.wait();
    }
}

// What another task has queued in the turn in which the wait() ends is not kept back until the next one.
TEST(blocked_loop, C1_5_what_is_queued_in_the_last_turn_is_sent) {
    const support::watchdog here(20s);
    pair p;
    bide::loop_thread reader;
    reader.start();
    auto text = reader.submit([&p]() -> task<std::string> {
        std::string got(4, '?');
        co_await p.server.read_exactly(std::as_writable_bytes(std::span(got)));
        co_return got;
    });
    bide::with_scope({.exit = bide::exit_mode::wait}, [&](bide::scope& s) {
        auto sent = s.start([&p]() -> task<> { co_await p.client.write_all(std::as_bytes(std::span("ping", 4))); });
        bide::wait(bide::yield_now());  // ends in the turn in which the write begins
        EXPECT_EQ(text.wait(), "ping");
        sent.wait();
    });
}

// A listener on which somebody has waited has perhaps accepted ahead: closed, it keeps nobody.
TEST(blocked_loop, a_closed_listener_keeps_no_connections) {
    const support::watchdog here(20s);
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    bide::loop l;
    auto waits = l.submit([&]() -> task<> { static_cast<void>(co_await at.accept()); });
    while (waits.status() == bide::future_status::pending && l.poll()) {}
    waits.stop();
    l.run();
    std::vector<tcp_stream> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(tcp_stream::connect(at.endpoint()).wait());
    for (int i = 0; i < 4; ++i) l.poll();
    at.close();
    l.poll();
    for (tcp_stream& c : clients) {
        std::array<std::byte, 1> one{};
        const auto end = bide::as_result(c.read_some(one)).wait();
        EXPECT_TRUE(end.error || end.value == 0) << "still connected";
    }
}

}  // namespace
