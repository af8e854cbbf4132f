// SPDX-License-Identifier: BSL-1.0
//
// Everything that a public function gives to be awaited, in one list: a task can await it, and it has .wait(). The list
// is checked by the compiler. A new function that gives an awaitable gets a line here.
#include <bide/bide.hpp>
#include <bide/io/buffered.hpp>
#include <bide/io/connect.hpp>
#include <bide/io/copy.hpp>
#include <bide/io/dns.hpp>
#include <bide/io/file.hpp>
#include <bide/io/file_watch.hpp>
#include <bide/io/local.hpp>
#include <bide/io/memory_stream.hpp>
#include <bide/io/pipe.hpp>
#include <bide/io/process.hpp>
#include <bide/io/signal.hpp>
#include <bide/io/standard.hpp>
#include <bide/io/stream.hpp>
#include <bide/io/tcp.hpp>
#include <bide/io/tcp_options.hpp>
#include <bide/io/tls.hpp>
#include <bide/io/udp.hpp>
#include <bide/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

template <class A>
concept has_wait = requires(A&& a) { std::forward<A>(a).wait(); };
template <class A>
concept waitable = bide::awaitable<A> && has_wait<A>;

// An expression as a user writes it; an object that is awaited itself is an lvalue.
#define WAITABLE(...) static_assert(waitable<decltype(__VA_ARGS__)>, #__VA_ARGS__)

[[maybe_unused]] bide::task<> nothing() { co_return; }
[[maybe_unused]] bide::task<int> number() { co_return 1; }
[[maybe_unused]] int blocking() { return 1; }
struct foreign_awaitable {
    [[nodiscard]] bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
};

template <class T>
T& some();  // an object for expressions that are not evaluated

// ---- tasks, futures, time -------------------------------------------------------------------------------------------
WAITABLE(nothing());
WAITABLE(number());
WAITABLE(some<bide::future<int>>());
WAITABLE(std::declval<bide::future<void>>());
WAITABLE(some<bide::promise<int>>().get_future());
WAITABLE(bide::sleep_for(1s));
WAITABLE(bide::sleep_until(bide::now()));
WAITABLE(bide::yield_now());
WAITABLE(bide::with_timeout(1s, number()));
WAITABLE(bide::with_deadline(bide::now(), nothing()));
WAITABLE(bide::with_timeout(1s, foreign_awaitable()));
WAITABLE(bide::with_stop(bide::stop_token(), number()));
WAITABLE(bide::shield(number()));
WAITABLE(bide::stopped_as_optional(number()));
WAITABLE(bide::finally(nothing(), &nothing, 1s));
WAITABLE(some<bide::task_local<int>>().with_value(1, number()));
WAITABLE(bide::with_value(some<bide::task_local<int>>(), 1, number()));

// ---- where it runs --------------------------------------------------------------------------------------------------
WAITABLE(some<bide::loop>().submit(&number));
WAITABLE(some<bide::pool>().submit(&number));
WAITABLE(some<bide::pool>().run(&number));
WAITABLE(some<bide::pool>().run(&blocking));
WAITABLE(some<bide::loop_thread>().submit(&number));
WAITABLE(some<bide::loop_thread>().to_thread(&blocking));
WAITABLE(some<bide::loop_thread>().call(&blocking));
WAITABLE(some<bide::threads>().submit(&blocking));
WAITABLE(some<bide::strand>().enter());
WAITABLE(some<bide::strand>().submit(&number));
WAITABLE(some<bide::strand>().run(&number));
WAITABLE(some<bide::strand>().run(&blocking));
WAITABLE(bide::to_thread(&blocking));
WAITABLE(bide::to_thread(&number));
WAITABLE(bide::make_async (&blocking)());
WAITABLE(bide::to_async (&blocking)());
WAITABLE(bide::to_async (&number)());
WAITABLE(bide::run(&blocking));
WAITABLE(bide::run(&number));

// ---- put together ---------------------------------------------------------------------------------------------------
WAITABLE(some<bide::scope>().start(&number));
WAITABLE(some<bide::scope_ref>().start(&number));
WAITABLE(some<bide::scope>().join());
using body = bide::task<int> (*)(bide::scope&);
WAITABLE(bide::with_scope(some<body>()));
WAITABLE(bide::with_scope(bide::scope_options{}, some<body>()));
WAITABLE(bide::when_all(number(), nothing()));
WAITABLE(bide::when_all(std::declval<std::vector<bide::task<int>>>()));
WAITABLE(bide::when_all(some<std::vector<bide::future<int>>>()));
WAITABLE(bide::when_all_settled(number(), nothing()));
WAITABLE(bide::when_all_settled(std::declval<std::vector<bide::task<int>>>()));
WAITABLE(bide::first_success(number(), number()));
WAITABLE(bide::first_success(std::declval<std::vector<bide::task<int>>>()));
WAITABLE(bide::race(number(), nothing()));
WAITABLE(bide::race(std::declval<std::vector<bide::task<int>>>()));
WAITABLE(bide::parallel().add(&number).run());
WAITABLE(bide::parallel().add (&number)());
WAITABLE(bide::serial().add(&blocking).run());
WAITABLE(bide::parallel<int>().run());
WAITABLE(bide::serial<int>().run());
WAITABLE(bide::for_each(some<std::vector<int>>(), [](int) {}));
WAITABLE(bide::for_each(some<bide::pool>(), some<std::vector<int>>(), [](int) {}));
WAITABLE(bide::transform_reduce(some<std::vector<int>>(), 0, std::plus<>(), [](int n) { return n; }));
WAITABLE(bide::transform_reduce(some<bide::pool>(), some<std::vector<int>>(), 0, std::plus<>(),
                                [](int n) { return n; }));

// ---- primitives, with and without atomics ---------------------------------------------------------------------------
template <class Mutex, class Shared, class Semaphore, class Event, class Latch, class Barrier, class Condition,
          class Channel>
constexpr bool primitives() {
    WAITABLE(some<Mutex>().lock());
    WAITABLE(some<Shared>().lock());
    WAITABLE(some<Shared>().lock_shared());
    WAITABLE(some<Semaphore>().acquire());
    WAITABLE(some<Semaphore>().acquire(2));
    WAITABLE(some<Event>());
    WAITABLE(some<Latch>());
    WAITABLE(some<Latch>().arrive_and_wait());
    WAITABLE(some<Barrier>().arrive_and_wait());
    WAITABLE(some<Condition>().wait(some<typename Mutex::guard>()));
    WAITABLE(some<Condition>().wait(some<typename Mutex::guard>(), [] { return true; }));
    WAITABLE(some<Channel>().send(1));
    WAITABLE(some<Channel>().send(some<const int>()));
    WAITABLE(some<Channel>().receive());
    return true;
}
static_assert(primitives<bide::mutex, bide::shared_mutex, bide::semaphore, bide::event, bide::latch, bide::barrier,
                         bide::condition, bide::channel<int>>());
static_assert(primitives<bide::local_mutex, bide::local_shared_mutex, bide::local_semaphore, bide::local_event,
                         bide::local_latch, bide::local_barrier, bide::local_condition, bide::local_channel<int>>());

// ---- the world ------------------------------------------------------------------------------------------------------
using bytes = std::span<std::byte>;
using const_bytes = std::span<const std::byte>;

template <class Stream>
constexpr bool reads() {
    WAITABLE(some<Stream>().read_some(bytes()));
    WAITABLE(bide::read_exactly(some<Stream>(), bytes()));
    return true;
}
template <class Stream>
constexpr bool writes() {
    WAITABLE(some<Stream>().write_some(const_bytes()));
    WAITABLE(some<Stream>().finish());
    WAITABLE(bide::write_all(some<Stream>(), const_bytes()));
    return true;
}
template <class... Stream>
constexpr bool both = (reads<Stream>() && ...) && (writes<Stream>() && ...);
static_assert(both<bide::tcp_stream, bide::local_stream, bide::memory_stream, bide::tls_stream<bide::tcp_stream>>);
static_assert(reads<bide::pipe_reader>());
WAITABLE(some<bide::pipe_writer>().write_some(const_bytes()));
WAITABLE(some<bide::pipe_writer>().write_all(const_bytes()));
static_assert(reads<bide::standard_reader>());
WAITABLE(some<bide::standard_writer>().write_some(const_bytes()));

template <class Stream>
constexpr bool has_all_forms() {
    WAITABLE(some<Stream>().read_exactly(bytes()));
    WAITABLE(some<Stream>().write_all(const_bytes()));
    return true;
}
static_assert(has_all_forms<bide::tcp_stream>() && has_all_forms<bide::local_stream>() &&
              has_all_forms<bide::memory_stream>() && has_all_forms<bide::tls_stream<bide::tcp_stream>>());

WAITABLE(bide::copy(some<bide::tcp_stream>(), some<bide::local_stream>()));
WAITABLE(bide::tcp_stream::connect(some<bide::ip_endpoint>()));
WAITABLE(some<bide::tcp_listener>().accept());
WAITABLE(bide::accept_patiently(some<bide::tcp_listener>()));
WAITABLE(bide::write_all_of(some<bide::tcp_stream>(), some<std::vector<const_bytes>>()));
WAITABLE(bide::read_some_into(some<bide::tcp_stream>(), some<std::vector<bytes>>()));
WAITABLE(bide::connect_tcp("host", 80));
WAITABLE(some<bide::udp_socket>().send(const_bytes()));
WAITABLE(some<bide::udp_socket>().send_to(const_bytes(), some<bide::ip_endpoint>()));
WAITABLE(some<bide::udp_socket>().receive_from(bytes()));
WAITABLE(bide::local_stream::connect(some<bide::local_endpoint>()));
WAITABLE(some<bide::local_listener>().accept());
WAITABLE(some<bide::local_stream>().send_with(const_bytes(), std::span<const int>()));
WAITABLE(some<bide::local_stream>().receive_with(bytes()));
WAITABLE(some<bide::local_datagram>().send(const_bytes()));
WAITABLE(some<bide::local_datagram>().send_to(const_bytes(), some<bide::local_endpoint>()));
WAITABLE(some<bide::local_datagram>().receive(bytes()));
WAITABLE(some<bide::signal_set>().next());
WAITABLE(some<bide::file_watch>().next());
WAITABLE(some<bide::process>().exited());
WAITABLE(some<bide::process>().join());
WAITABLE(some<bide::process>().terminate());
WAITABLE(bide::run_process("true"));
WAITABLE(bide::file::open("path"));
WAITABLE(some<bide::file>().read_at(0, bytes()));
WAITABLE(some<bide::file>().write_at(0, const_bytes()));
WAITABLE(some<bide::file>().information());
WAITABLE(some<bide::file>().set_size(0));
WAITABLE(some<bide::file>().sync());
WAITABLE(some<bide::file>().sync_content());
static_assert(reads<bide::file_stream>());
WAITABLE(some<bide::file_stream>().write_some(const_bytes()));
WAITABLE(bide::read_file("path"));
WAITABLE(bide::write_file("path", "content"));
WAITABLE(bide::append_file("path", "content"));
WAITABLE(bide::path_information("path"));
WAITABLE(bide::link_information("path"));
WAITABLE(bide::rename_file("from", "to"));
WAITABLE(bide::remove_file("path"));
WAITABLE(bide::remove_tree("path"));
WAITABLE(bide::make_directories("path"));
WAITABLE(bide::list_directory("path"));
WAITABLE(bide::list_tree("path"));
WAITABLE(bide::lookup("host"));
WAITABLE(some<bide::resolver>().lookup("host"));
WAITABLE(some<bide::resolver>().lookup_srv("name"));
WAITABLE(bide::tls_connect(some<const bide::tls_context>(), bide::tcp_stream(), "host"));
WAITABLE(bide::tls_accept(some<const bide::tls_context>(), bide::tcp_stream()));
WAITABLE(some<bide::tls_stream<bide::tcp_stream>>().update_keys());
using reader = bide::buffered_reader<bide::tcp_stream>;
using writer = bide::buffered_writer<bide::tcp_stream>;
WAITABLE(some<reader>().read_some(bytes()));
WAITABLE(some<reader>().read_exactly(bytes()));
WAITABLE(some<reader>().peek(1));
WAITABLE(some<reader>().skip(1));
WAITABLE(some<reader>().read_until("end"));
WAITABLE(some<reader>().read_line());
WAITABLE(some<reader>().read_record(1));
WAITABLE(some<writer>().write(const_bytes()));
WAITABLE(some<writer>().write_some(const_bytes()));
WAITABLE(some<writer>().flush());
WAITABLE(some<writer>().finish());

// ---- what acts on the coroutine that awaits it has no .wait() -------------------------------------------------------
// resume_on moves the awaiting coroutine to another executor: plain code that waited for it would be where it was.
static_assert(bide::awaitable<decltype(bide::resume_on(some<bide::executor>()))>);
static_assert(!has_wait<decltype(bide::resume_on(some<bide::executor>()))>);
// via says who resumes a foreign coroutine: plain code waits for the work itself.
using hand_over = void (*)(std::coroutine_handle<>);
static_assert(!has_wait<decltype(bide::via(some<hand_over>(), number()))>);

TEST(waitable, C1_13_yield_now_and_the_like_wait_in_plain_code_and_below_a_task) {
    const bide::testing::virtual_time time;
    bide::yield_now().wait();
    bide::sleep_until(bide::now() + 1s).wait();
    const auto below = []() -> bide::task<int> {
        bide::yield_now().wait();
        co_await bide::yield_now();
        co_return 1;
    };
    EXPECT_EQ(below().wait(), 1);
    EXPECT_EQ(bide::wait(below()), 1);
    EXPECT_EQ(time.elapsed(), 1s);
    EXPECT_TRUE(bide::to_thread([] {
                    bide::yield_now().wait();
                    return true;
                }).wait());
}

}  // namespace
