// SPDX-License-Identifier: BSL-1.0
//
// The natural spellings of the API with temporaries that own something, in a co_await expression: each object is
// destroyed once, with every compiler. g++ 12 copies some temporaries bit by bit (tools/compiler-check); what is
// written here it has to do right. What it does wrong whatever we do is refused (tests/compile_fail) or found
// (tests/lint/found.cpp).
#include <bide/bide.hpp>
#include <bide/call.hpp>
#include <bide/loop_thread.hpp>
#include <bide/shield.hpp>
#include <bide/stop.hpp>
#include <bide/sync/channel.hpp>
#include <bide/sync/condition.hpp>
#include <bide/sync/event.hpp>
#include <bide/sync/latch.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/sync/semaphore.hpp>
#include <bide/sync/shared_mutex.hpp>
#include <bide/task_local.hpp>
#include <bide/threads.hpp>

#include <gtest/gtest.h>

#include "support/counted.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace {

using namespace bide;
using namespace std::chrono_literals;
using bide_test::counted;

struct agg {  // an aggregate of the user's
    counted c;
    int n = 1;
};
task<int> take(counted c, int n = 1) {
    co_await yield_now();
    c.use();
    co_return n;
}
task<int> take2(counted c, std::string t) {
    co_await yield_now();
    c.use();
    co_return static_cast<int>(t.size());
}
task<int> takev(std::vector<counted> v) {
    co_await yield_now();
    for (const auto& c : v) c.use();
    co_return static_cast<int>(v.size());
}
task<int> takeagg(agg a) {
    co_await yield_now();
    a.c.use();
    co_return 1;
}
task<counted> make() {
    co_await yield_now();
    co_return counted();
}
task<agg> makeagg() {
    co_await yield_now();
    co_return agg{};
}
int block_take(counted c) {
    c.use();
    return 1;
}
counted block_make() { return counted(); }

void run_and_count(task<> (*spelling)(scope&)) {
    ASSERT_EQ(counted::living(), 0);
    const int before = counted::faults();
    auto body = [spelling](scope& s) { return spelling(s); };
    with_scope(body).wait();
    // A thread lets go of what it ran a moment after the result is there.
    const auto enough = std::chrono::steady_clock::now() + 20s;
    while (counted::living() != 0 && std::chrono::steady_clock::now() < enough) std::this_thread::yield();
    EXPECT_EQ(counted::faults(), before);
    EXPECT_EQ(counted::living(), 0);
}

#define SPELLING(name)                             \
    task<> name(scope&);                           \
    TEST(gcc_safe, name) { run_and_count(&name); } \
    task<> name([[maybe_unused]] scope& s)

SPELLING(start_args) { co_await s.start(take, counted(), 3); }
SPELLING(start_task) { co_await s.start(take(counted())); }
SPELLING(start_lambda_two) {
    counted c;
    auto f = s.start([c]() -> task<int> {
        c.use();
        co_return 1;
    });
    co_await f;
}
SPELLING(start_lambda_args) {
    counted c;
    co_await s.start(
        [](counted d) -> task<int> {
            co_await yield_now();
            d.use();
            co_return 1;
        },
        c);
}
SPELLING(start_bind_front) { co_await s.start(std::bind_front(take2, counted()), std::string("x")); }
SPELLING(start_stdfunction) {
    counted c;
    std::function<task<int>()> f = [c] { return take(c); };
    co_await s.start(f);
    co_await s.start(std::move(f));
}
SPELLING(start_result_value) {
    auto f = s.start(make);
    co_await s.join();
    f.value().use();
    (co_await f).use();
    (co_await std::move(f)).use();
}
SPELLING(start_move_only_argument) {
    co_await s.start(
        [](std::unique_ptr<counted> p) -> task<> {
            p->use();
            co_return;
        },
        std::make_unique<counted>());
}
struct object {
    counted c;
    task<int> go(counted d) {
        co_await yield_now();
        c.use();
        d.use();
        co_return 1;
    }
};
SPELLING(start_member_function) {
    object o{};
    co_await s.start(&object::go, &o, counted());
}
SPELLING(timeout_call) { co_await with_timeout(1s, take2(counted(), "a text that is long enough for the heap")); }
SPELLING(timeout_make) {
    (co_await with_timeout(1s, make())).use();
    counted c = co_await with_timeout(1s, make());
    c.use();
}
SPELLING(timeout_future) {
    auto f = s.start(make);
    (co_await with_timeout(1s, f)).use();
}
SPELLING(timeout_start) { co_await with_timeout(1s, s.start(take, counted(), 1)); }
SPELLING(timeout_nested) { co_await with_timeout(1s, with_timeout(2s, take(counted()))); }
SPELLING(with_deadline_of_a_call) { co_await with_deadline(now() + 1s, take(counted())); }
SPELLING(timeout_receive) {
    channel<counted> c(1);
    co_await c.send(counted());
    auto v = co_await with_timeout(1s, c.receive());
    v->use();
}
SPELLING(timeout_lock) {
    mutex m;
    auto g = co_await with_timeout(1s, m.lock());
    if (!g.owns_lock()) ADD_FAILURE();
}
SPELLING(timeout_send) {
    channel<counted> c(1);
    co_await with_timeout(1s, c.send(counted()));
}
SPELLING(timeout_around_a_scope) {
    co_await with_timeout(1s, with_scope([&](scope& in) -> task<> {
                              in.start(take, counted(), 1);
                              co_return;
                          }));
}
SPELLING(channel_send) {
    channel<counted> c(4);
    co_await c.send(counted());
    counted x;
    co_await c.send(x);
    co_await c.send(std::move(x));
    auto v = co_await c.receive();
    v->use();
    (co_await c.receive())->use();
    counted y = *co_await c.receive();
    y.use();
}
SPELLING(channel_send_agg_two) {
    channel<agg> c(4);
    agg a{counted(), 1};
    co_await c.send(std::move(a));
    auto v = co_await c.receive();
    v->c.use();
}
SPELLING(channel_recv_loop) {
    channel<counted> c(4);
    for (int i = 0; i < 4; ++i) co_await c.send(counted());
    c.close();
    while (auto v = co_await c.receive()) v->use();
}
SPELLING(channel_string) {
    channel<std::string> c(4);
    co_await c.send("literal long enough to be on the heap really");
    co_await c.send(std::string(50, 'x') + "y");
    std::string t = *co_await c.receive() + *co_await c.receive();
    if (t.size() < 60) ADD_FAILURE();
}
SPELLING(channel_local) {
    local_channel<counted> c(4);
    co_await c.send(counted());
    (co_await c.receive())->use();
}
SPELLING(channel_variant) {
    channel<std::variant<int, counted>> c(1);
    co_await c.send(counted());
}
SPELLING(channel_pair) {
    channel<std::pair<counted, int>> c(1);
    co_await c.send({counted(), 1});
}
SPELLING(channel_from_await) {
    channel<counted> c(2);
    co_await c.send(co_await make());
    co_await c.send(*co_await c.receive());
}
SPELLING(mutex_guards) {
    mutex m;
    { auto g = co_await m.lock(); }
    {
        auto g = co_await m.lock();
        counted c;
        co_await take(c);
        g.unlock();
    }
    (co_await m.lock()).unlock();
}
SPELLING(semaphore_permits) {
    semaphore m(2);
    auto p = co_await m.acquire();
    auto q = co_await m.acquire();
    p.unlock();
}
SPELLING(shared_mutex_guards) {
    shared_mutex m;
    { auto g = co_await m.lock_shared(); }
    auto g = co_await m.lock();
}
SPELLING(condition_with_references) {
    mutex m;
    condition c;
    bool b = true;
    counted k;
    auto g = co_await m.lock();
    co_await c.wait(g, [&] {
        k.use();
        return b;
    });
}
SPELLING(event_and_latch) {
    event e;
    e.set();
    co_await e;
    latch l(1);
    co_await l.arrive_and_wait();
}
SPELLING(promise_value) {
    promise<counted> p;
    auto f = p.get_future();
    p.set_value(co_await make());
    (co_await f).use();
    counted c = co_await std::move(f);
    c.use();
}
SPELLING(promise_get) {
    promise<counted> p;
    p.set_value(counted());
    (co_await p.get_future()).use();
}
SPELLING(scope_options_designated) {
    co_await with_scope({.exit = exit_mode::cancel, .error = error_mode::keep_going}, [&](scope& in) -> task<> {
        in.start(take, counted(), 1);
        co_await in.join();
    });
}
SPELLING(scope_result) {
    counted c = co_await with_scope([&](scope& in) -> task<counted> { co_return co_await in.start(make); });
    c.use();
}
SPELLING(scope_named_body) {
    counted k;
    auto body = [k](scope& in) -> task<> {
        k.use();
        co_await in.start(take, k, 1);
    };
    co_await with_scope(body);
    co_await with_scope({}, body);
}
SPELLING(scope_errors) {
    std::vector<std::exception_ptr> e;
    co_await with_scope({.errors = &e}, [](scope& in) -> task<> {
        in.start(take, counted(), 1);
        co_return;
    });
}
SPELLING(shield_of_a_call) {
    co_await shield(take(counted()));
    (co_await shield(make())).use();
}
SPELLING(stopped_as_optional_of_a_call) {
    auto o = co_await stopped_as_optional(make());
    o->use();
    (*co_await stopped_as_optional(make())).use();
}
SPELLING(to_thread_args) {
    co_await to_thread(block_take, counted());
    (co_await to_thread(block_make)).use();
}
SPELLING(to_thread_lambda_two) {
    counted c;
    auto f = to_thread([c] {
        c.use();
        return 1;
    });
    co_await f;
}
SPELLING(to_thread_ref) {
    counted c;
    co_await to_thread([&] {
        c.use();
        return 1;
    });
}
SPELLING(run_args) {
    co_await run(block_take, counted());
    co_await run(take, counted(), 1);
}
SPELLING(run_lambda_two) {
    counted c;
    auto r = run([c] {
        c.use();
        return 1;
    });
    co_await std::move(r);
}
SPELLING(to_async_of_a_function) {
    auto f = to_async(block_take);
    co_await f(counted());
    co_await to_async(block_take)(counted());
}
SPELLING(make_async_with_captures) {
    counted c;
    auto f = make_async([c](counted d) {
        c.use();
        d.use();
        return 1;
    });
    co_await f(counted());
}
SPELLING(loop_thread_submit) {
    loop_thread t;
    t.start();
    co_await t.submit(take, counted(), 1);
    (co_await t.submit(make)).use();
    co_await t.submit(take(counted()));
}
SPELLING(task_local_value) {
    static task_local<counted> tl;
    co_await tl.with_value(counted(), take(counted()));
}
SPELLING(task_local_get) {
    static task_local<counted> tl;
    co_await tl.with_value(counted(), [&]() -> task<> {
        tl.get()->use();
        co_await yield_now();
        tl.get()->use();
    }());
}
SPELLING(sum_of_awaits) {
    int n =
        co_await take(counted()) + co_await s.start(take, counted(), 2) + co_await with_timeout(1s, take(counted(), 3));
    if (n != 6) ADD_FAILURE();
}
SPELLING(expr_nested_calls) { co_await take2(co_await make(), std::string(co_await take(counted()), 'x')); }
SPELLING(aggregate_results) {
    auto a = co_await makeagg();
    a.c.use();
    int n = (co_await makeagg()).n;
    if (n != 1) ADD_FAILURE();
    co_await takeagg(co_await makeagg());
}
SPELLING(default_arguments) {
    co_await take(counted());
    co_await take({});
}
SPELLING(vector_argument) {
    std::vector<counted> v(2);
    co_await takev(v);
    co_await takev(std::move(v));
    co_await takev(std::vector<counted>(3));
}
SPELLING(optional_argument) {
    auto f = [](std::optional<counted> o = std::nullopt) -> task<> {
        if (o) o->use();
        co_return;
    };
    co_await f();
    co_await f(counted());
    co_await f({});
}
SPELLING(generic_lambda) {
    auto f = [](auto&& c) -> task<> {
        co_await yield_now();
        c.use();
    };
    counted c;
    co_await f(c);
    co_await f(counted());
}
SPELLING(tasks_moved) {
    auto t = take(counted());
    co_await std::move(t);
    task<int> u = take(counted());
    u = take(counted());
    co_await std::move(u);
}
SPELLING(with_stop_of_a_call) {
    stop_source src;
    co_await with_stop(src.token(), take(counted()));
}
SPELLING(exceptions_of_class_type) {
    try {
        co_await s.start(
            [](counted c) -> task<> {
                co_await yield_now();
                c.use();
                throw counted();
            },
            counted());
    } catch (const counted& c) {
        c.use();
    }
}

}  // namespace
