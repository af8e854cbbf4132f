// SPDX-License-Identifier: BSL-1.0
#include <bide/io/buffered.hpp>
#include <bide/io/memory_stream.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/io.hpp"

#include <gtest/gtest.h>
#include <cstdint>

namespace {

using bide::buffered_reader;
using bide::buffered_writer;
using bide::bytes_of;
using bide::memory_stream;
using bide::task;
using bide::text_of;
using support::error_of;
using namespace std::chrono_literals;

static_assert(bide::byte_source<buffered_reader<memory_stream>>);
static_assert(bide::byte_sink<buffered_writer<memory_stream&>>);

/// A reader over what was written, in parts of a size; then the end.
buffered_reader<memory_stream> reader_of(const std::string& text, std::size_t part, std::size_t capacity) {
    auto [in, out] = memory_stream::pair(text.size() + 1);
    in.write_all(bytes_of(text)).wait();
    in.finish().wait();
    out.limit_reads(part);
    return buffered_reader<memory_stream>(std::move(out), capacity);
}

TEST(buffered, C15_13_lines_of_all_kinds_however_they_arrive) {
    const std::string text = "one\n\ntwo\r\nthree\rfour\n\r\nlast without end\r";
    for (std::size_t part = 1; part < 12; ++part)
        for (const std::size_t capacity : {1UL, 2UL, 5UL, 100UL}) {
            auto r = reader_of(text, part, capacity);
            std::vector<std::string> lines;
            while (const auto line = r.read_line().wait()) lines.push_back(*line);
            EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "two", "three\rfour", "", "last without end\r"}));
            EXPECT_FALSE(r.read_line().wait());
        }
}

TEST(buffered, C15_13_until_a_delimiter_of_several_bytes) {
    for (std::size_t part = 1; part < 8; ++part) {
        auto r = reader_of("head: x\r\r\n\r\n\r\nbody--rest", part, 3);
        EXPECT_EQ(r.read_until("\r\n\r\n").wait(), "head: x\r");
        EXPECT_EQ(r.read_until("--").wait(), "\r\nbody");
        EXPECT_EQ(error_of([&] { r.read_until("\n").wait(); }), bide::io_errc::end_of_stream);
        EXPECT_EQ(*r.read_line().wait(), "rest") << "it is still there";
    }
    auto r = reader_of("x", 1, 1);
    EXPECT_THROW(r.read_until("").wait(), std::invalid_argument);
}

TEST(buffered, C15_13_more_than_the_limit_is_an_error_and_still_there) {
    for (std::size_t part = 1; part < 8; ++part) {
        auto r = reader_of("12345\n123456\nend\n", part, 4);
        EXPECT_EQ(*r.read_line(5).wait(), "12345");
        EXPECT_EQ(error_of([&] { r.read_line(5).wait(); }), bide::io_errc::too_much);
        EXPECT_EQ(*r.read_line(6).wait(), "123456");
        EXPECT_EQ(*r.read_line(3).wait(), "end");
    }
}

TEST(buffered, C15_13_a_stream_without_end_costs_no_more_than_the_limit) {
    struct endless {
        std::size_t given = 0;
        task<std::size_t> read_some(std::span<std::byte> to) {
            std::fill(to.begin(), to.end(), std::byte{'x'});
            given += to.size();
            co_return to.size();
        }
    } source;
    buffered_reader r(source, 1000);
    EXPECT_EQ(error_of([&] { r.read_line(100'000).wait(); }), bide::io_errc::too_much);
    EXPECT_LE(source.given, 102'000U);
    EXPECT_LE(r.buffered(), 102'000U);
}

struct record {
    std::uint32_t a;
    std::uint16_t b;
    std::uint16_t c;
};

TEST(buffered, C15_13_records_of_a_size) {
    std::string text(2 * sizeof(record), '\0');
    const record sent[2] = {{1, 2, 3}, {40, 50, 60}};
    std::memcpy(text.data(), sent, text.size());
    auto r = reader_of(text + "abc", 3, 4);
    EXPECT_EQ(r.read_record<record>().wait()->c, 3);
    EXPECT_EQ(r.read_record<record>().wait()->a, 40U);
    EXPECT_EQ(error_of([&] { r.read_record<record>().wait(); }), bide::io_errc::end_of_stream);
    EXPECT_EQ(*r.read_record(2).wait(), "ab");
    EXPECT_EQ(error_of([&] { r.read_record(2).wait(); }), bide::io_errc::end_of_stream);
    EXPECT_EQ(*r.read_record(1).wait(), "c");
    EXPECT_FALSE(r.read_record(1).wait());
    EXPECT_FALSE(r.read_record<record>().wait());
}

TEST(buffered, C15_13_what_is_peeked_at_stays) {
    auto r = reader_of("0123456789", 3, 4);
    EXPECT_EQ(text_of(r.peek(5).wait()), "01234");
    EXPECT_EQ(text_of(r.peek(2).wait()), "01");
    std::array<std::byte, 3> three;
    r.read_exactly(three).wait();
    EXPECT_EQ(text_of(three), "012");
    r.skip(4).wait();
    EXPECT_EQ(text_of(r.peek(100).wait()), "789") << "fewer at the end";
    std::array<std::byte, 8> eight;
    EXPECT_EQ(r.read_some(std::span(eight).first(0)).wait(), 0U);
    EXPECT_EQ(error_of([&] { r.read_exactly(eight).wait(); }), bide::io_errc::end_of_stream);
    EXPECT_EQ(r.read_some(eight).wait(), 3U);
    EXPECT_EQ(r.read_some(eight).wait(), 0U);
    EXPECT_EQ(error_of([&] { r.skip(1).wait(); }), bide::io_errc::end_of_stream);
}

TEST(buffered, C15_13_a_cancelled_read_has_taken_nothing) {
    const bide::testing::virtual_time time;
    auto [in, out] = memory_stream::pair();
    buffered_reader r(out);
    for (const char* part : {"be", "gi", "n"}) {
        in.write_all(bytes_of(part)).wait();
        EXPECT_THROW(bide::with_timeout(1s, r.read_line()).wait(), bide::timed_out);
        EXPECT_THROW(bide::with_timeout(1s, r.read_record(100)).wait(), bide::timed_out);
        EXPECT_THROW(bide::with_timeout(1s, r.read_until("--")).wait(), bide::timed_out);
    }
    in.write_all(bytes_of("\n")).wait();
    EXPECT_EQ(*r.read_line().wait(), "begin");
}

TEST(buffered, C15_13_small_writes_become_large_ones) {
    auto [in, out] = memory_stream::pair(1000);
    buffered_writer w(in, 10);
    for (int i = 0; i < 4; ++i) w.write(bytes_of("abc")).wait();
    EXPECT_EQ(w.buffered(), 3U);
    std::array<std::byte, 100> got;
    EXPECT_EQ(out.read_some(got).wait(), 9U);
    w.write(bytes_of("more than what the buffer holds")).wait();
    EXPECT_EQ(w.buffered(), 0U);
    EXPECT_EQ(out.read_some(got).wait(), 34U);
    bide::write_all(w, bytes_of("in two parts or more")).wait();
    w.finish().wait();
    EXPECT_EQ(support::read_to_end(out).wait(), "in two parts or more");
    EXPECT_EQ(error_of([&] {
                  w.write(bytes_of("x")).wait();
                  w.flush().wait();
              }),
              std::errc::broken_pipe);
}

TEST(buffered, C15_13_a_cancelled_flush_goes_on_where_it_stood) {
    const bide::testing::virtual_time time;
    auto [in, out] = memory_stream::pair(7);
    buffered_writer w(in, 1000);
    const std::string sent = support::pattern(100);
    w.write(bytes_of(sent)).wait();
    std::string got;
    std::array<std::byte, 7> seven;
    while (w.buffered() != 0) {
        try {
            bide::with_timeout(1s, w.flush()).wait();
        } catch (const bide::timed_out&) {}
        got += text_of(std::span(seven).first(out.read_some(seven).wait()));
    }
    EXPECT_EQ(got, sent);
}

TEST(buffered, reader_and_writer_talk) {
    auto [a, b] = memory_stream::pair(5);
    std::vector<std::string> got;
    bide::with_scope([&, &x = a, &y = b](bide::scope& s) {
        auto write = [&]() -> task<> {
            buffered_writer w(x, 8);
            for (int i = 0; i < 100; ++i) {
                const std::string line = std::to_string(i) + "\n";
                co_await w.write(bytes_of(line));
            }
            co_await w.finish();
        };
        auto read = [&]() -> task<> {
            buffered_reader r(y, 3);
            for (;;) {
                std::optional<std::string> line = co_await r.read_line();
                if (!line) co_return;
                got.push_back(*line);
            }
        };
        s.start(write);
        s.start(read);
    });
    ASSERT_EQ(got.size(), 100U);
    EXPECT_EQ(got.back(), "99");
}

}  // namespace
