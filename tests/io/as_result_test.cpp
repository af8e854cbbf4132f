// SPDX-License-Identifier: BSL-1.0
//
// Every operation of io/ goes through as_result: what type the result has, and that errors, counts, stops and deadlines are
// what they are in the form that throws. TLS and DNS have theirs in tls/tls_test.cpp and dns/.
#include <bide/as_result.hpp>

#include <bide/combine.hpp>
#include <bide/io/buffered.hpp>
#include <bide/io/copy.hpp>
#include <bide/io/file.hpp>
#include <bide/io/file_watch.hpp>
#include <bide/io/local.hpp>
#include <bide/io/memory_stream.hpp>
#include <bide/io/pipe.hpp>
#include <bide/io/process.hpp>
#include <bide/io/signal.hpp>
#include <bide/io/standard.hpp>
#include <bide/io/tcp.hpp>
#include <bide/io/tcp_options.hpp>
#include <bide/io/udp.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/counted.hpp"
#include "support/io.hpp"
#include "support/tcp_pair.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace {

using bide::as_result;
using bide::bytes_of;
using bide::ip_endpoint;
using bide::local_datagram;
using bide::local_endpoint;
using bide::local_stream;
using bide::memory_stream;
using bide::result;
using bide::task;
using bide::tcp_listener;
using bide::tcp_stream;
using bide::text_of;
using support::turn;
using support::turn_until;
using namespace std::chrono_literals;

// ---- the types ------------------------------------------------------------------------------------------------------

template <class Op, class R>
constexpr bool gives_result = std::is_same_v<bide::await_result_t<decltype(as_result(std::declval<Op>()))>, R>;
/// The operation has a coded form of its own: no task is made for it.
template <class Op, class R>
constexpr bool is_coded = gives_result<Op, R> && bide::detail::has_coded_form<Op>;
template <class Op>
constexpr bool has_no_frame = requires(Op op) { as_result(std::move(op)).release(); } == false;

using in_bytes = std::span<std::byte>;
using out_bytes = std::span<const std::byte>;
using count = result<std::size_t>;

#define OP(object, call) decltype(std::declval<object&>().call)

template <class S>
constexpr bool every_read_is_coded =
    is_coded<OP(S, read_some(in_bytes())), count> && is_coded<OP(S, read_exactly(in_bytes())), count>;
template <class S>
constexpr bool every_write_is_coded =
    is_coded<OP(S, write_some(out_bytes())), count> && is_coded<OP(S, write_all(out_bytes())), count>;
template <class S>
constexpr bool its_bytes_need_no_frame =
    has_no_frame<OP(S, read_some(in_bytes()))> && has_no_frame<OP(S, read_exactly(in_bytes()))> &&
    has_no_frame<OP(S, write_some(out_bytes()))> && has_no_frame<OP(S, write_all(out_bytes()))> &&
    has_no_frame<OP(S, finish())>;

static_assert(every_read_is_coded<tcp_stream> && every_write_is_coded<tcp_stream> &&
              its_bytes_need_no_frame<tcp_stream>);
static_assert(every_read_is_coded<local_stream> && every_write_is_coded<local_stream>);
static_assert(its_bytes_need_no_frame<local_stream>);
static_assert(every_read_is_coded<memory_stream> && every_write_is_coded<memory_stream>);
static_assert(its_bytes_need_no_frame<memory_stream>);
static_assert(every_read_is_coded<bide::pipe_reader> && every_write_is_coded<bide::pipe_writer>);
static_assert(has_no_frame<OP(bide::pipe_reader, read_some(in_bytes()))> &&
              has_no_frame<OP(bide::pipe_writer, write_all(out_bytes()))>);

static_assert(is_coded<OP(tcp_stream, finish()), std::error_code> &&
              is_coded<OP(local_stream, finish()), std::error_code>);
static_assert(is_coded<OP(memory_stream, finish()), std::error_code>);

static_assert(is_coded<decltype(tcp_stream::connect(ip_endpoint())), result<tcp_stream>>);
static_assert(has_no_frame<decltype(tcp_stream::connect(ip_endpoint()))> && has_no_frame<OP(tcp_listener, accept())>);
static_assert(is_coded<OP(tcp_listener, accept()), result<tcp_stream>>);
static_assert(is_coded<decltype(local_stream::connect(std::declval<local_endpoint>())), result<local_stream>>);
static_assert(is_coded<OP(bide::local_listener, accept()), result<local_stream>>);
static_assert(has_no_frame<OP(bide::local_listener, accept())>);
static_assert(gives_result<decltype(bide::accept_patiently(std::declval<tcp_listener&>())), result<tcp_stream>>);

static_assert(is_coded<decltype(bide::write_all_of(std::declval<tcp_stream&>(), {})), count>);
static_assert(is_coded<decltype(bide::read_some_into(std::declval<tcp_stream&>(), {})), count>);
static_assert(has_no_frame<decltype(bide::write_all_of(std::declval<tcp_stream&>(), {}))>);

static_assert(is_coded<OP(bide::udp_socket, send_to(out_bytes(), ip_endpoint())), std::error_code>);
static_assert(is_coded<OP(bide::udp_socket, send(out_bytes())), std::error_code>);
static_assert(is_coded<OP(bide::udp_socket, receive_from(in_bytes())), result<bide::datagram>>);
static_assert(has_no_frame<OP(bide::udp_socket, send(out_bytes()))> &&
              has_no_frame<OP(bide::udp_socket, receive_from(in_bytes()))>);
static_assert(is_coded<OP(local_stream, send_with(out_bytes(), {})), count>);
// Local sockets write by the ring, as TCP does.
static_assert(std::is_same_v<OP(local_stream, write_some(out_bytes())), bide::detail::send_some_op> &&
              std::is_same_v<OP(local_stream, write_all(out_bytes())), bide::detail::send_all_op>);
static_assert(is_coded<OP(local_stream, receive_with(in_bytes())), result<bide::local_message>>);
static_assert(is_coded<OP(local_datagram, send_to(out_bytes(), std::declval<local_endpoint>())), std::error_code>);
static_assert(is_coded<OP(local_datagram, send(out_bytes())), std::error_code>);
static_assert(is_coded<OP(local_datagram, receive(in_bytes())), result<bide::local_message>>);

static_assert(is_coded<OP(bide::signal_set, next()), result<int>> && has_no_frame<OP(bide::signal_set, next())>);

static_assert(gives_result<OP(bide::standard_reader, read_some(in_bytes())), count>);
static_assert(gives_result<OP(bide::standard_writer, write_some(out_bytes())), count>);
static_assert(gives_result<OP(bide::file_watch, next()), result<bide::file_event>>);
static_assert(gives_result<decltype(bide::file::open("")), result<bide::file>>);
static_assert(gives_result<OP(bide::file, read_at(0, in_bytes())), count>);
static_assert(gives_result<OP(bide::file, write_at(0, out_bytes())), std::error_code>);
static_assert(gives_result<OP(bide::file, information()), result<bide::file_information>>);
static_assert(gives_result<OP(bide::file, sync()), std::error_code>);
static_assert(gives_result<decltype(bide::read_file("")), result<std::string>>);
static_assert(gives_result<decltype(bide::write_file("", "")), std::error_code>);
static_assert(gives_result<decltype(bide::remove_file("")), result<bool>>);
static_assert(gives_result<OP(bide::process, exited()), result<bide::exit_status>>);
static_assert(gives_result<decltype(bide::run_process("")), result<bide::process_output>>);
static_assert(gives_result<OP(bide::buffered_reader<tcp_stream>, read_some(in_bytes())), count>);
static_assert(gives_result<OP(bide::buffered_reader<tcp_stream>, read_line()), result<std::optional<std::string>>>);
static_assert(gives_result<decltype(bide::copy(std::declval<tcp_stream&>(), std::declval<tcp_stream&>())),
                           result<std::uint64_t>>);

// ---- streams of bide's ----------------------------------------------------------------------------------------------

class io_as_result : public support::no_leaks {};

/// A connection: both ends, of one kind.
template <class S>
struct ends {
    S a, b;
};
ends<memory_stream> make(memory_stream*) {
    auto both = memory_stream::pair();
    return {std::move(both.first), std::move(both.second)};
}
ends<local_stream> make(local_stream*) {
    auto both = local_stream::pair();
    return {std::move(both.first), std::move(both.second)};
}
ends<tcp_stream> make(tcp_stream*) {
    support::tcp_pair both;
    return {std::move(both.client), std::move(both.server)};
}

template <class S>
void both_forms_tell_the_same() {
    ends<S> e = make(static_cast<S*>(nullptr));
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(as_result(e.a.write_some(bytes_of("abc"))).wait().value, 3U);
    const count some = as_result(e.b.read_some(buffer)).wait();
    EXPECT_TRUE(some.ok());
    EXPECT_EQ(text_of(std::span(buffer).first(some.value)), "abc");
    const count all = as_result(e.a.write_all(bytes_of("12345678"))).wait();
    EXPECT_TRUE(all.ok());
    EXPECT_EQ(all.value, 8U);
    EXPECT_EQ(as_result(e.b.read_exactly(buffer)).wait().value, 8U);
    EXPECT_EQ(text_of(buffer), "12345678");

    e.a.write_all(bytes_of("short")).wait();
    EXPECT_FALSE(as_result(e.a.finish()).wait());
    const count cut = as_result(e.b.read_exactly(buffer)).wait();
    EXPECT_EQ(cut.error, bide::io_errc::end_of_stream);
    EXPECT_EQ(cut.value, 5U) << "what arrived is not lost";
    EXPECT_EQ(as_result(e.b.read_some(buffer)).wait().value, 0U) << "the end is no error";
    EXPECT_EQ(support::error_of([&] { e.b.read_exactly(buffer).wait(); }), bide::io_errc::end_of_stream);

    e.a.close();
    EXPECT_EQ(as_result(e.a.write_all(bytes_of("x"))).wait().error, std::errc::bad_file_descriptor);
    EXPECT_EQ(as_result(e.a.write_some(bytes_of("x"))).wait().error, std::errc::bad_file_descriptor);
    EXPECT_EQ(as_result(e.a.read_some(buffer)).wait().error, std::errc::bad_file_descriptor);
    EXPECT_EQ(as_result(e.a.finish()).wait(), std::errc::bad_file_descriptor);
    EXPECT_THROW(static_cast<void>(as_result(S().read_some(buffer))), bide::usage_error) << "a mistake is no code";
}

template <class S>
task<> in_a_coroutine(ends<S>& e) {
    std::array<std::byte, 3> buffer;
    const count sent = co_await as_result(e.a.write_all(bytes_of("abcde")));
    EXPECT_EQ(sent.value, 5U);
    if (const count got = co_await as_result(e.b.read_exactly(buffer)); !got.ok()) ADD_FAILURE() << got.error;
    const std::error_code ended = co_await as_result(e.a.finish());
    EXPECT_FALSE(ended);
    const count rest = co_await as_result(e.b.read_exactly(buffer));
    EXPECT_EQ(rest.value, 2U);
    // Several at once: each result is there, whatever the others say.
    auto [reads, writes] = co_await bide::when_all(as_result(e.b.read_exactly(buffer)), as_result(e.a.write_some({})));
    EXPECT_EQ(reads.error, bide::io_errc::end_of_stream);
    EXPECT_TRUE(writes.ok() || writes.error == std::errc::broken_pipe);
}

template <class S>
void stops_and_deadlines_pass() {
    ends<S> e = make(static_cast<S*>(nullptr));
    std::array<std::byte, 8> buffer;
    EXPECT_THROW(static_cast<void>(bide::with_timeout(1ms, as_result(e.b.read_some(buffer))).wait()), bide::timed_out);
    EXPECT_THROW(static_cast<void>(as_result(bide::with_timeout(1ms, e.b.read_some(buffer))).wait()), bide::timed_out);
    bide::loop l;
    bool went_on = false;
    auto read = [](S& from, std::span<std::byte> to, bool& on) -> task<> {
        static_cast<void>(co_await as_result(from.read_exactly(to)));
        on = true;
    };
    auto f = l.submit(read, std::ref(e.b), std::span<std::byte>(buffer), std::ref(went_on));
    turn(l, 3);
    e.a.write_all(bytes_of("part")).wait();
    turn(l, 3);
    ASSERT_EQ(f.status(), bide::future_status::pending);
    f.stop();
    turn_until(l, f);
    EXPECT_EQ(f.status(), bide::future_status::cancelled);
    EXPECT_FALSE(went_on);
    EXPECT_EQ(as_result(e.b.read_some(buffer)).wait().value, 4U) << "a cancelled read has not happened";
    // The loser of a race has not happened either.
    const count won = bide::race(as_result(e.b.read_some(buffer)), as_result(e.a.write_some(bytes_of("x")))).wait();
    EXPECT_EQ(won.value, 1U);
}

TEST_F(io_as_result, C2_8_C15_2_memory_streams) {
    both_forms_tell_the_same<memory_stream>();
    ends<memory_stream> e = make(static_cast<memory_stream*>(nullptr));
    in_a_coroutine(e).wait();
}
TEST_F(io_as_result, C2_8_C15_2_local_streams) {
    both_forms_tell_the_same<local_stream>();
    ends<local_stream> e = make(static_cast<local_stream*>(nullptr));
    in_a_coroutine(e).wait();
}
TEST_F(io_as_result, C2_8_C15_2_tcp_streams) {
    both_forms_tell_the_same<tcp_stream>();
    ends<tcp_stream> e = make(static_cast<tcp_stream*>(nullptr));
    in_a_coroutine(e).wait();
}
TEST_F(io_as_result, C2_8_C15_3_stops_and_deadlines_pass) {
    stops_and_deadlines_pass<local_stream>();
    stops_and_deadlines_pass<tcp_stream>();
}

TEST_F(io_as_result, C2_8_a_part_that_was_handed_over_is_counted) {
    auto [a, b] = memory_stream::pair(64);
    a.cut_after(5);
    const count cut = as_result(a.write_all(bytes_of("0123456789"))).wait();
    EXPECT_EQ(cut.error, std::errc::broken_pipe);
    EXPECT_EQ(cut.value, 5U);
    EXPECT_EQ(support::read_to_end(b).wait(), "01234");
}

TEST_F(io_as_result, C2_8_an_operation_in_a_variable_may_be_awaited_again) {
    auto [a, b] = memory_stream::pair();
    std::array<std::byte, 2> two;
    auto op = b.read_exactly(two);
    auto coded = as_result(op);
    a.write_all(bytes_of("abcdef")).wait();
    EXPECT_EQ(coded.wait().value, 2U);
    EXPECT_EQ(coded.wait().value, 2U);
    EXPECT_EQ(as_result(op).wait().value, 2U);
    EXPECT_EQ(text_of(two), "ef");
    a.close();
    EXPECT_EQ(as_result(std::move(op)).wait().error, bide::io_errc::end_of_stream);
}

TEST_F(io_as_result, C2_8_pipes_and_vectors) {
    auto [out, in] = bide::make_pipe();
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(as_result(in.write_all(bytes_of("abc"))).wait().value, 3U);
    in.close();
    const count cut = as_result(out.read_exactly(buffer)).wait();
    EXPECT_EQ(cut.error, bide::io_errc::end_of_stream);
    EXPECT_EQ(cut.value, 3U);

    support::tcp_pair p;
    const std::array parts{bytes_of("head "), bytes_of("body")};
    EXPECT_EQ(as_result(bide::write_all_of(p.client, parts)).wait().value, 9U);
    std::array<std::byte, 5> head;
    std::array<std::byte, 16> body;
    const std::array<std::span<std::byte>, 2> into{head, body};
    EXPECT_EQ(as_result(bide::read_some_into(p.server, into)).wait().value, 9U);
    p.client.close();
    EXPECT_EQ(as_result(bide::write_all_of(p.client, parts)).wait().error, std::errc::bad_file_descriptor);
}

// ---- connections, messages, signals, files --------------------------------------------------------------------------

TEST_F(io_as_result, C2_8_connections) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    const ip_endpoint here = at.endpoint();
    result<tcp_stream> client = as_result(tcp_stream::connect(here)).wait();
    ASSERT_TRUE(client.ok());
    result<tcp_stream> server = as_result(at.accept()).wait();
    ASSERT_TRUE(server.ok());
    client.value.write_all(bytes_of("x")).wait();
    std::array<std::byte, 1> one;
    EXPECT_EQ(as_result(server.value.read_some(one)).wait().value, 1U);
    EXPECT_THROW(static_cast<void>(bide::with_timeout(1ms, as_result(at.accept())).wait()), bide::timed_out);
    at.close();
    EXPECT_EQ(as_result(at.accept()).wait().error, std::errc::bad_file_descriptor);
    const result<tcp_stream> nobody = as_result(tcp_stream::connect(here)).wait();
    EXPECT_EQ(nobody.error, std::errc::connection_refused);
    EXPECT_FALSE(nobody.value.is_open());

    auto body = []() -> task<> {
        const auto none = co_await as_result(local_stream::connect(local_endpoint::abstract("bide-as-result-nobody")));
        EXPECT_EQ(none.error, std::errc::connection_refused);
        EXPECT_FALSE(none.value.is_open());
        auto name = local_endpoint::abstract("bide-as-result-" + std::to_string(::getpid()));
        auto listener = bide::local_listener::listen(name);
        auto made = co_await as_result(local_stream::connect(name));
        EXPECT_TRUE(made.ok() && made.value.is_open());
        auto accepted = co_await as_result(listener.accept());
        EXPECT_TRUE(accepted.ok() && accepted.value.is_open());
        static_cast<void>(as_result(local_stream::connect(name)));  // never awaited
    };
    body().wait();
}

TEST_F(io_as_result, C2_8_datagrams) {
    bide::udp_socket a = bide::udp_socket::bind(ip_endpoint::loopback(0));
    bide::udp_socket b = bide::udp_socket::bind(ip_endpoint::loopback(0));
    EXPECT_FALSE(as_result(a.send_to(bytes_of("to b"), b.endpoint())).wait());
    std::array<std::byte, 16> buffer;
    const result<bide::datagram> got = as_result(b.receive_from(buffer)).wait();
    EXPECT_EQ(got.value.size, 4U);
    EXPECT_EQ(got.value.from, a.endpoint());
    a.connect(b.endpoint());
    EXPECT_FALSE(as_result(a.send(bytes_of("y"))).wait());
    const std::string big(100'000, 'x');
    EXPECT_EQ(as_result(a.send(bytes_of(big))).wait(), std::errc::message_size);
    b.close();
    EXPECT_EQ(as_result(b.receive_from(buffer)).wait().error, std::errc::bad_file_descriptor);

    auto [c, d] = local_datagram::pair();
    EXPECT_FALSE(as_result(c.send(bytes_of("hello"))).wait());
    EXPECT_EQ(as_result(d.receive(buffer)).wait().value.size, 5U);
    EXPECT_EQ(as_result(local_datagram::open().send_to(bytes_of("x"), local_endpoint::path("/nobody/here"))).wait(),
              std::errc::no_such_file_or_directory);

    auto [e, f] = local_stream::pair();
    const int none = -1;
    EXPECT_EQ(as_result(e.send_with(bytes_of("x"), std::span(&none, 1))).wait().error, std::errc::bad_file_descriptor);
    EXPECT_EQ(as_result(e.send_with(bytes_of("abc"), {})).wait().value, 3U);
    EXPECT_EQ(as_result(f.receive_with(buffer)).wait().value.size, 3U);
    e.close();
    EXPECT_EQ(as_result(f.receive_with(buffer)).wait().value.size, 0U);
}

TEST_F(io_as_result, C2_8_signals) {
    auto s = std::make_unique<bide::signal_set>(SIGUSR1);
    ::raise(SIGUSR1);
    EXPECT_EQ(as_result(s->next()).wait().value, SIGUSR1);
    bide::loop l;
    auto wait_for = [](bide::signal_set& set) -> task<std::error_code> {
        co_return (co_await as_result(set.next())).error;
    };
    auto f = l.submit(wait_for, std::ref(*s));
    turn(l, 3);
    s.reset();
    turn_until(l, f);
    EXPECT_EQ(f.value(), std::errc::operation_canceled);
}

TEST_F(io_as_result, C2_8_files_and_programs) {
    const support::temporary_directory dir;
    EXPECT_FALSE(as_result(bide::write_file(dir / "a", "text")).wait());
    EXPECT_EQ(as_result(bide::read_file(dir / "a")).wait().value, "text");
    EXPECT_EQ(as_result(bide::read_file(dir / "none")).wait().error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(as_result(bide::file::open(dir / "none")).wait().error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(as_result(bide::run_process("/nobody/here")).wait().error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(as_result(bide::run_process("/bin/echo", "hello")).wait().value.output, "hello\n");
}

TEST_F(io_as_result, C15_8_virtual_time_is_a_mistake_and_no_code) {
    support::tcp_pair p;
    std::thread([&] {
        const bide::testing::virtual_time time;
        std::array<std::byte, 1> one;
        EXPECT_THROW(static_cast<void>(as_result(p.server.read_some(one)).wait()), std::logic_error);
    }).join();
}

// ---- streams of a user's --------------------------------------------------------------------------------------------

/// Has the four operations and no more; its tasks throw.
class throwing_stream {
public:
    std::string in = "01234";
    std::string out;
    std::error_code then = std::make_error_code(std::errc::io_error);

    task<std::size_t> read_some(std::span<std::byte> to) {
        if (in.empty()) throw std::system_error(then, "throwing_stream");
        const std::size_t n = std::min({to.size(), in.size(), std::size_t{2}});
        std::copy_n(bytes_of(in).begin(), n, to.begin());
        in.erase(0, n);
        co_return n;
    }
    task<std::size_t> write_some(std::span<const std::byte> from) {
        if (out.size() == 4) throw std::system_error(then, "throwing_stream");
        const std::size_t n = std::min(from.size(), std::size_t{2});
        out += text_of(from.first(n));
        co_return n;
    }
    task<> finish() { co_return; }
    void close() noexcept {}
};
static_assert(bide::byte_stream<throwing_stream>);

/// The same, with coded forms, and no other: an operation that is awaited as it is fails the test.
class coded_stream {
public:
    throwing_stream below;

    template <class Op>
    class coded_only {
    public:
        explicit coded_only(Op op) noexcept : op_(std::move(op)) {}
        [[nodiscard]] bool await_ready() const noexcept { return true; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        std::size_t await_resume() { throw std::logic_error("the form that throws was used"); }
        [[nodiscard]] auto coded() && {
            owned_.use();
            return as_result(std::move(op_));
        }

    private:
        Op op_;
        bide_test::counted owned_;
    };
    auto read_some(std::span<std::byte> to) { return coded_only(below.read_some(to)); }
    auto write_some(std::span<const std::byte> from) { return coded_only(below.write_some(from)); }
    task<> finish() { return below.finish(); }
    void close() noexcept {}
};
static_assert(bide::byte_stream<coded_stream>);

/// Has a read_exactly and a write_all of its own, which tell no count.
class own_members : public throwing_stream {
public:
    int used = 0;
    task<> read_exactly(std::span<std::byte> to) {
        ++used;
        return bide::detail::read_parts(*this, to);
    }
    task<> write_all(std::span<const std::byte> from) {
        ++used;
        return bide::detail::write_parts(*this, from);
    }
};

template <class S>
using read_result = bide::await_result_t<decltype(as_result(bide::read_exactly(std::declval<S&>(), in_bytes())))>;
template <class S>
using write_result = bide::await_result_t<decltype(as_result(bide::write_all(std::declval<S&>(), out_bytes())))>;
static_assert(std::is_same_v<read_result<throwing_stream>, count> &&
              std::is_same_v<write_result<throwing_stream>, count>);
static_assert(std::is_same_v<read_result<coded_stream>, count> && std::is_same_v<write_result<coded_stream>, count>);
static_assert(std::is_same_v<read_result<own_members>, count> && std::is_same_v<write_result<own_members>, count>);
static_assert(std::is_same_v<read_result<bide::buffered_reader<throwing_stream>>, count>);
static_assert(std::is_same_v<read_result<bide::standard_reader>, count> &&
              std::is_same_v<write_result<bide::standard_writer>, count>);
static_assert(std::is_same_v<read_result<bide::file_stream>, count>);
static_assert(
    std::is_void_v<bide::await_result_t<decltype(bide::read_exactly(std::declval<own_members&>(), in_bytes()))>>);

template <class S>
void nothing_is_lost(S s) {
    std::array<std::byte, 8> buffer;
    const count read = as_result(bide::read_exactly(s, buffer)).wait();
    EXPECT_EQ(read.error, std::errc::io_error);
    EXPECT_EQ(read.value, 5U);
    EXPECT_EQ(text_of(std::span(buffer).first(5)), "01234");
    auto write = [](S& to) -> task<count> { co_return co_await as_result(bide::write_all(to, bytes_of("abcdefgh"))); };
    const count written = write(s).wait();
    EXPECT_EQ(written.error, std::errc::io_error);
    EXPECT_EQ(written.value, 4U);
    EXPECT_EQ(as_result(s.read_some(buffer)).wait().error, std::errc::io_error);
    EXPECT_FALSE(as_result(s.finish()).wait());
}

TEST_F(io_as_result, C2_8_C15_1_a_users_stream_loses_nothing) {
    const int alive = bide_test::counted::living();
    const int faults = bide_test::counted::faults();
    nothing_is_lost(throwing_stream());
    nothing_is_lost(coded_stream());
    nothing_is_lost(own_members());
    EXPECT_EQ(bide_test::counted::living(), alive);
    EXPECT_EQ(bide_test::counted::faults(), faults);
}

TEST_F(io_as_result, C15_1_without_a_code_a_streams_own_members_are_used) {
    own_members s;
    std::array<std::byte, 4> buffer;
    bide::read_exactly(s, buffer).wait();
    bide::write_all(s, bytes_of("ab")).wait();
    EXPECT_EQ(s.used, 2);
    auto body = [](own_members& of) -> task<> {
        co_await bide::write_all(of, bytes_of("cd"));
        EXPECT_EQ(of.used, 3);
        co_await bide::write_all(of, bytes_of("ef"));
    };
    EXPECT_EQ(support::error_of([&] { body(s).wait(); }), std::errc::io_error);
}

}  // namespace
