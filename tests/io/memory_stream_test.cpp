// SPDX-License-Identifier: BSL-1.0
#include <bide/io/memory_stream.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using bide::bytes_of;
using bide::memory_stream;
using bide::task;
using bide::text_of;
using namespace std::chrono_literals;

struct ends {
    memory_stream a, b;
    explicit ends(std::size_t capacity = 64) {
        auto both = memory_stream::pair(capacity);
        a = std::move(both.first);
        b = std::move(both.second);
    }
};

task<std::string> read_to_end(memory_stream& from) {
    std::string all;
    std::array<std::byte, 7> buffer;
    while (const std::size_t n = co_await from.read_some(buffer)) all += text_of(std::span(buffer).first(n));
    co_return all;
}
template <class F>
std::error_code error_of(F&& f) {
    try {
        f();
    } catch (const std::system_error& e) {
        return e.code();
    }
    return {};
}
std::string long_text(std::size_t n) {
    std::string all(n, '\0');
    std::uint32_t x = 12345;
    for (char& c : all) {
        x = x * 1664525U + 1013904223U;
        c = static_cast<char>(x >> 24U);
    }
    return all;
}
void turn(bide::loop& l, int times) {
    for (int i = 0; i < times; ++i) l.poll();
}

TEST(memory_stream, what_is_written_is_read) {
    ends e;
    e.a.write_all(bytes_of("hello")).wait();
    std::array<std::byte, 5> got;
    e.b.read_exactly(got).wait();
    EXPECT_EQ(text_of(got), "hello");
    EXPECT_EQ(e.b.write_some(bytes_of("bye")).wait(), 3U);
    EXPECT_EQ(e.a.read_some(got).wait(), 3U);
    EXPECT_EQ(e.a.read_some(std::span<std::byte>()).wait(), 0U) << "no room, no wait";
    EXPECT_EQ(e.a.write_some({}).wait(), 0U);
}

TEST(memory_stream, much_goes_through_little_both_ways) {
    for (const std::size_t capacity : {1UL, 2UL, 7UL, 64UL, 4096UL}) {
        ends e(capacity);
        const std::string there = long_text(3001), back = long_text(1999);
        std::string got_there, got_back;
        bide::with_scope([&](bide::scope& s) {
            auto write = [](memory_stream& to, const std::string& text) -> task<> {
                co_await to.write_all(bytes_of(text));
                co_await to.finish();
            };
            auto read = [](memory_stream& from, std::string& into) -> task<> { into = co_await read_to_end(from); };
            s.start(write, std::ref(e.a), std::cref(there));
            s.start(write, std::ref(e.b), std::cref(back));
            s.start(read, std::ref(e.a), std::ref(got_back));
            s.start(read, std::ref(e.b), std::ref(got_there));
        });
        EXPECT_TRUE(got_there == there && got_back == back) << "capacity " << capacity;
    }
}

TEST(memory_stream, C16_3_a_full_one_makes_the_writer_wait) {
    ends e(4);
    bide::loop l;
    auto write = l.submit([&]() -> task<> { co_await e.a.write_all(bytes_of("012345")); });
    turn(l, 3);
    EXPECT_EQ(write.status(), bide::future_status::pending);
    std::array<std::byte, 2> two;
    e.b.read_exactly(two).wait();
    turn(l, 3);
    EXPECT_EQ(write.status(), bide::future_status::succeeded);
    auto more = l.submit([&]() -> task<std::size_t> { co_return co_await e.a.write_some(bytes_of("67")); });
    turn(l, 3);
    EXPECT_EQ(more.status(), bide::future_status::pending);
    std::array<std::byte, 6> six;
    EXPECT_EQ(e.b.read_some(six).wait(), 4U);
    turn(l, 3);
    EXPECT_EQ(more.value(), 2U);
    EXPECT_EQ(e.b.read_some(six).wait(), 2U);
    EXPECT_EQ(text_of(std::span(six).first(2)), "67");
}

TEST(memory_stream, C16_3_it_works_in_virtual_time) {
    const bide::testing::virtual_time time;
    ends e;
    std::string got;
    bide::with_scope([&](bide::scope& s) {
        auto write = [&]() -> task<> {
            co_await bide::sleep_for(1h);
            co_await e.a.write_all(bytes_of("late"));
            e.a.close();
        };
        auto read = [&]() -> task<> { got = co_await read_to_end(e.b); };
        s.start(write);
        s.start(read);
    });
    EXPECT_EQ(got, "late");
    EXPECT_EQ(time.elapsed(), 1h);
    EXPECT_THROW(bide::with_timeout(1s, e.b.write_all(bytes_of(long_text(100)))).wait(), std::system_error);
}

TEST(memory_stream, a_deadline_ends_a_wait) {
    const bide::testing::virtual_time time;
    ends e;
    std::array<std::byte, 1> one;
    EXPECT_THROW(bide::with_timeout(1s, e.b.read_exactly(one)).wait(), bide::timed_out);
    EXPECT_EQ(time.elapsed(), 1s);
}

TEST(memory_stream, C15_1_each_side_ends_on_its_own) {
    ends e;
    e.a.write_all(bytes_of("last words")).wait();
    e.a.finish().wait();
    EXPECT_FALSE(bide::as_result(e.a.finish()).wait()) << "twice is once";
    EXPECT_EQ(read_to_end(e.b).wait(), "last words");
    EXPECT_EQ(error_of([&] { e.a.write_all(bytes_of("more")).wait(); }), std::errc::broken_pipe);
    e.b.write_all(bytes_of("answer")).wait();
    e.b.finish().wait();
    EXPECT_EQ(read_to_end(e.a).wait(), "answer");
    std::array<std::byte, 4> four;
    const auto got = bide::as_result(e.a.read_exactly(four)).wait();
    EXPECT_EQ(got.error, bide::io_errc::end_of_stream);
    EXPECT_EQ(got.value, 0U);
}

TEST(memory_stream, closing_one_end_is_the_end_for_the_other) {
    ends e;
    e.a.write_all(bytes_of("left")).wait();
    e.a.close();
    e.a.close();
    EXPECT_FALSE(e.a.is_open());
    EXPECT_TRUE(e.b.is_open());
    EXPECT_EQ(read_to_end(e.b).wait(), "left");
    EXPECT_EQ(bide::as_result(e.b.write_some(bytes_of("x"))).wait().error, std::errc::broken_pipe);
    std::array<std::byte, 4> four;
    EXPECT_EQ(bide::as_result(e.a.read_some(four)).wait().error, std::errc::bad_file_descriptor);
    EXPECT_EQ(bide::as_result(e.a.write_some(bytes_of("x"))).wait().error, std::errc::bad_file_descriptor);
    EXPECT_EQ(bide::as_result(e.a.finish()).wait(), std::errc::bad_file_descriptor);
}

TEST(memory_stream, C15_6_closing_ends_what_is_pending) {
    ends e(2);
    bide::loop l;
    std::array<std::byte, 4> four;
    auto read = l.submit([&]() -> task<> { co_await e.a.read_exactly(four); });
    auto write = l.submit([&]() -> task<> { co_await e.a.write_all(bytes_of("0123")); });
    auto peer = l.submit([&]() -> task<> { co_await e.b.write_all(bytes_of("0123456789")); });
    turn(l, 3);
    EXPECT_EQ(read.status(), bide::future_status::succeeded);
    auto again = l.submit([&]() -> task<> { co_await e.b.read_exactly(four); });
    turn(l, 3);
    EXPECT_EQ(write.status(), bide::future_status::succeeded);
    EXPECT_EQ(again.status(), bide::future_status::succeeded);
    auto stuck = l.submit([&]() -> task<> { co_await e.a.write_all(bytes_of("0123")); });
    turn(l, 3);
    EXPECT_EQ(stuck.status(), bide::future_status::pending);
    EXPECT_EQ(peer.status(), bide::future_status::pending);
    e.a.close();
    turn(l, 3);
    EXPECT_EQ(error_of([&] { stuck.value(); }), std::errc::operation_canceled);
    EXPECT_EQ(error_of([&] { peer.value(); }), std::errc::broken_pipe);
}

TEST(memory_stream, C15_6_destroying_an_end_ends_what_is_pending) {
    std::optional<ends> e(std::in_place);
    bide::loop l;
    std::array<std::byte, 4> four;
    memory_stream b = std::move(e->b);
    auto mine = l.submit([&]() -> task<std::size_t> { co_return co_await e->a.read_some(four); });
    auto others = l.submit([&]() -> task<std::size_t> { co_return co_await b.read_some(four); });
    turn(l, 3);
    e.reset();
    l.run();
    EXPECT_EQ(error_of([&] { mine.value(); }), std::errc::operation_canceled);
    EXPECT_EQ(others.value(), 0U);
}

TEST(memory_stream, an_end_may_go_before_its_stopped_reader_is_unwound) {
    std::optional<ends> e(std::in_place);
    bide::loop l;
    std::array<std::byte, 4> four;
    auto read = l.submit([&]() -> task<std::size_t> { co_return co_await e->a.read_some(four); });
    turn(l, 3);
    read.stop();
    e.reset();
    l.run();
    EXPECT_EQ(read.status(), bide::future_status::cancelled);
}

TEST(memory_stream, C15_5_another_reader_or_writer_is_refused) {
    ends e(1);
    bide::loop l;
    std::array<std::byte, 1> one, other;
    auto read = l.submit([&]() -> task<> { co_await e.b.read_exactly(one); });
    auto second = l.submit([&]() -> task<> { co_await e.b.read_exactly(other); });
    turn(l, 3);
    EXPECT_THROW(second.value(), bide::usage_error);
    EXPECT_EQ(read.status(), bide::future_status::pending);
    e.a.write_all(bytes_of("x")).wait();
    turn(l, 3);
    EXPECT_EQ(read.status(), bide::future_status::succeeded);
}

TEST(memory_stream, C15_5_an_empty_one_is_a_mistake_that_says_so) {
    ends e;
    const memory_stream moved = std::move(e.a);
    std::array<std::byte, 1> one;
    EXPECT_THROW(e.a.read_some(one).wait(), bide::usage_error);  // NOLINT(bugprone-use-after-move): that is the test
    EXPECT_THROW(memory_stream().reset(), bide::usage_error);
    EXPECT_FALSE(e.a.is_open());
    e.a.close();
    EXPECT_TRUE(moved.is_open());
    EXPECT_THROW(static_cast<void>(memory_stream::pair(0)), std::invalid_argument);
}

// ---- cancellation ---------------------------------------------------------------------------------------------------

TEST(memory_stream, C15_3_a_cancelled_read_gives_back_what_it_had) {
    ends e;
    bide::loop l;
    std::array<std::byte, 6> six;
    for (const char* part : {"ab", "cd"}) {
        auto read = l.submit([&]() -> task<> { co_await e.b.read_exactly(six); });
        e.a.write_all(bytes_of(part)).wait();
        turn(l, 3);
        EXPECT_EQ(read.status(), bide::future_status::pending);
        read.stop();
        turn(l, 3);
        EXPECT_EQ(read.status(), bide::future_status::cancelled);
    }
    e.a.write_all(bytes_of("ef")).wait();
    e.b.read_exactly(six).wait();
    EXPECT_EQ(text_of(six), "abcdef");
}

TEST(memory_stream, C15_3_a_cancelled_write_that_was_cut_refuses_to_go_on) {
    ends e(4);
    bide::loop l;
    auto cut = l.submit([&]() -> task<> { co_await e.a.write_all(bytes_of("0123456789")); });
    turn(l, 3);
    cut.stop();
    turn(l, 3);
    EXPECT_EQ(cut.status(), bide::future_status::cancelled);
    EXPECT_EQ(bide::as_result(e.a.write_all(bytes_of("x"))).wait().error, bide::io_errc::write_cut);
    e.a.finish().wait();
    EXPECT_EQ(read_to_end(e.b).wait(), "0123") << "what was sent is intact";
}

TEST(memory_stream, C15_3_a_cancelled_write_that_sent_nothing_harms_nothing) {
    ends e(4);
    bide::loop l;
    e.a.write_all(bytes_of("full")).wait();
    auto all = l.submit([&]() -> task<> { co_await e.a.write_all(bytes_of("never")); });
    turn(l, 3);
    all.stop();
    turn(l, 3);
    EXPECT_EQ(all.status(), bide::future_status::cancelled);
    std::array<std::byte, 4> four;
    e.b.read_exactly(four).wait();
    e.a.write_all(bytes_of("more")).wait();
    e.b.read_exactly(four).wait();
    EXPECT_EQ(text_of(four), "more");
}

TEST(memory_stream, C1_12_what_was_delivered_is_delivered_whatever_is_stopped_then) {
    ends e;
    bide::loop l;
    std::array<std::byte, 4> four;
    std::size_t got = 0;
    auto read = l.submit([&]() -> task<> { got = co_await e.b.read_some(four); });
    turn(l, 3);
    e.a.write_all(bytes_of("here")).wait();  // taken for the reader, which is posted
    read.stop();
    turn(l, 3);
    EXPECT_EQ(read.status(), bide::future_status::succeeded);
    EXPECT_EQ(got, 4U);
}

// Two tasks talk; one of them is stopped after k turns, for every k. What the other one got is a beginning of what was
// said, and nothing is lost between two reads.
TEST(memory_stream, C15_3_cancelled_at_every_step_nothing_is_lost) {
    const std::string sent = long_text(300);
    for (int k = 0;; ++k) {
        ends e(5);
        bide::loop l;
        std::string got;
        auto write = l.submit([&]() -> task<> {
            co_await e.a.write_all(bytes_of(sent));
            co_await e.a.finish();
        });
        auto reader = [&]() -> task<> {
            std::array<std::byte, 11> some;
            while (got.size() + some.size() < sent.size()) {
                co_await e.b.read_exactly(some);
                got += text_of(some);
            }
        };
        auto read = l.submit(reader);
        turn(l, k);
        const bool ended = read.status() == bide::future_status::succeeded;
        read.stop();
        auto rest = [&]() -> task<> { got += co_await read_to_end(e.b); };
        turn(l, 2);
        auto last = l.submit(rest);
        l.run();
        ASSERT_EQ(last.status(), bide::future_status::succeeded) << "step " << k;
        ASSERT_EQ(got, sent) << "step " << k;
        if (ended) break;
        ASSERT_LT(k, 1000);
    }
}

// ---- faults ---------------------------------------------------------------------------------------------------------

TEST(memory_stream, C16_3_reads_and_writes_may_be_made_small) {
    ends e;
    e.b.limit_reads(1);
    e.a.write_all(bytes_of("abc")).wait();
    std::array<std::byte, 8> eight;
    EXPECT_EQ(e.b.read_some(eight).wait(), 1U);
    e.b.read_exactly(std::span(eight).first(2)).wait();
    EXPECT_EQ(text_of(std::span(eight).first(2)), "bc");
    e.a.limit_writes(2);
    EXPECT_EQ(e.a.write_some(bytes_of("xyz")).wait(), 2U);
    e.a.write_all(bytes_of("01234")).wait();
    e.b.limit_reads(0);
    EXPECT_EQ(e.b.read_some(eight).wait(), 1U);
}

TEST(memory_stream, C16_3_a_cut_is_an_end_after_so_many_bytes) {
    for (std::size_t at = 0; at <= 10; ++at) {
        ends e(3);
        e.a.cut_after(at);
        std::string got;
        std::size_t written = 0;
        std::error_code why;
        bide::with_scope([&](bide::scope& s) {
            auto write = [&]() -> task<> {
                const auto r = co_await bide::as_result(e.a.write_all(bytes_of("0123456789")));
                written = r.value;
                why = r.error;
            };
            auto read = [&]() -> task<> { got = co_await read_to_end(e.b); };
            s.start(read);
            s.start(write);
        });
        EXPECT_EQ(got, std::string("0123456789").substr(0, at));
        EXPECT_EQ(written, at);
        EXPECT_EQ(why, at < 10 ? std::make_error_code(std::errc::broken_pipe) : std::error_code());
        e.b.write_all(bytes_of("ok")).wait();
        std::array<std::byte, 2> two;
        e.a.read_exactly(two).wait();
    }
}

TEST(memory_stream, C16_3_a_reset_is_an_error_on_both_sides_after_so_many_bytes) {
    for (std::size_t at = 0; at <= 10; ++at) {
        ends e(3);
        std::string got;
        std::error_code reads, writes, waits;
        bide::with_scope([&](bide::scope& s) {
            auto write = [&]() -> task<> {
                const auto r = co_await bide::as_result(e.a.write_all(bytes_of("0123456789a")));
                EXPECT_EQ(r.value, at);
                writes = r.error;
            };
            auto read = [&]() -> task<> {
                std::array<std::byte, 2> two;
                while (!reads) {
                    const auto r = co_await bide::as_result(e.b.read_some(two));
                    reads = r.error;
                    got += text_of(std::span(two).first(r.value));
                }
            };
            auto wait = [&]() -> task<> {
                std::array<std::byte, 2> two;
                waits = (co_await bide::as_result(e.a.read_some(two))).error;
            };
            s.start(wait);
            s.start(read);
            bide::wait(bide::yield_now());
            e.a.reset_after(at);
            s.start(write);
        });
        EXPECT_EQ(got, std::string("0123456789a").substr(0, at));
        EXPECT_EQ(reads, std::errc::connection_reset);
        EXPECT_EQ(writes, std::errc::connection_reset);
        EXPECT_EQ(waits, std::errc::connection_reset);
        EXPECT_EQ(bide::as_result(e.b.write_some(bytes_of("x"))).wait().error, std::errc::connection_reset);
    }
}

TEST(memory_stream, reset_now) {
    ends e;
    e.a.write_all(bytes_of("there")).wait();
    e.b.reset();
    std::array<std::byte, 8> eight;
    EXPECT_EQ(e.b.read_some(eight).wait(), 5U) << "what has arrived is read first";
    EXPECT_EQ(bide::as_result(e.b.read_some(eight)).wait().error, std::errc::connection_reset);
    EXPECT_EQ(bide::as_result(e.a.read_some(eight)).wait().error, std::errc::connection_reset);
}

// ---- threads --------------------------------------------------------------------------------------------------------

// Both ends on threads of their own; operations are stopped by deadlines all the time, and one end closes under it all.
TEST(memory_stream, threads_cancel_and_close_as_they_like) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        ends e(9);
        const std::string sent = long_text(2000);
        std::string got;
        std::thread reading([&] {
            std::mt19937 random(seed);
            std::array<std::byte, 64> some;
            for (;;) {
                const std::size_t n = 1 + random() % some.size();
                try {
                    const auto r = bide::with_timeout(std::chrono::microseconds(random() % 20),
                                                      bide::as_result(e.b.read_exactly(std::span(some).first(n))))
                                       .wait();
                    got += text_of(std::span(some).first(r.value));
                    if (r.error) return;
                } catch (const bide::timed_out&) {}
            }
        });
        std::thread writing([&] {
            static_cast<void>(bide::as_result(e.a.write_all(bytes_of(sent))).wait());
            e.a.close();
        });
        if (seed % 4 == 0) e.b.close();
        writing.join();
        reading.join();
        if (seed % 4 != 0)
            ASSERT_EQ(got, sent) << "seed " << seed;
        else
            ASSERT_EQ(got, sent.substr(0, got.size())) << "seed " << seed;
    }
}

}  // namespace
