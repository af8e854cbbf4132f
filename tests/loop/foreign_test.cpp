// SPDX-License-Identifier: BSL-1.0
#include <bide/foreign.hpp>
#include <bide/scope.hpp>
#include <bide/sync/event.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;

// A coroutine type that knows nothing of bide: eager, its owner destroys it, others wait for `over`.
struct plain {
    struct promise_type {
        std::atomic<bool> over{false};
        std::exception_ptr error;
        plain get_return_object() { return plain(std::coroutine_handle<promise_type>::from_promise(*this)); }
        std::suspend_never initial_suspend() noexcept { return {}; }
        auto final_suspend() noexcept {
            struct tell {
                bool await_ready() const noexcept { return false; }
                void await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
                    h.promise().over = true;  // suspended: from here the owner may destroy it
                    h.promise().over.notify_all();
                }
                void await_resume() const noexcept {}
            };
            return tell();
        }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { error = std::current_exception(); }
    };
    std::coroutine_handle<promise_type> handle;
    explicit plain(std::coroutine_handle<promise_type> h) : handle(h) {}
    plain(plain&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
    plain& operator=(plain&&) = delete;
    ~plain() {
        if (handle) handle.destroy();
    }
    void join() const {
        handle.promise().over.wait(false);
        if (handle.promise().error) std::rethrow_exception(handle.promise().error);
    }
    void drop() { std::exchange(handle, nullptr).destroy(); }
};

bide::task<std::string> greet(std::string name) {
    co_await bide::yield_now();
    co_return "hello " + name;
}
bide::task<> fails() {
    co_await bide::yield_now();
    throw std::runtime_error("the work's own");
}

plain greets(std::string& out, std::thread::id& ran_on) {
    out = co_await greet("stranger");
    ran_on = std::this_thread::get_id();
}

TEST(foreign, C1_10_a_foreign_coroutine_awaits_a_task_on_the_background_loop) {
    std::string out;
    std::thread::id ran_on;
    const plain p = greets(out, ran_on);
    p.join();
    EXPECT_EQ(out, "hello stranger");
    EXPECT_NE(ran_on, std::this_thread::get_id());
}

plain awaits_everything(int& sum) {
    bide::promise<int> given;
    const bide::future<int> f = given.get_future();
    given.set_value(40);
    sum = co_await f;
    co_await bide::sleep_for(1us);
    co_await bide::yield_now();
    ++sum;
    bide::task<std::string> t = greet("x");
    sum += (co_await std::move(t)).empty() ? 0 : 1;
}

TEST(foreign, C1_10_every_native_awaitable_can_be_awaited) {
    int sum = 0;
    const plain p = awaits_everything(sum);
    p.join();
    EXPECT_EQ(sum, 42);
}

plain awaits_failure() { co_await fails(); }

TEST(foreign, C1_10_the_works_exception_arrives) {
    const plain p = awaits_failure();
    try {
        p.join();
        FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "the work's own");
    }
}

struct mailbox {  // somebody's own event queue
    std::mutex m;
    std::condition_variable there;
    std::coroutine_handle<> letter;
    void put(std::coroutine_handle<> h) {
        const std::lock_guard guard(m);
        letter = h;
        there.notify_one();
    }
    void run_one() {
        std::unique_lock guard(m);
        there.wait(guard, [this] { return letter != nullptr; });
        std::exchange(letter, nullptr).resume();
    }
};

plain via_mailbox(mailbox& box, std::string& out, std::thread::id& ran_on) {
    out = co_await bide::via([&box](std::coroutine_handle<> h) { box.put(h); }, greet("box"));
    ran_on = std::this_thread::get_id();
}

TEST(foreign, C1_10_the_hand_over_chooses_where_it_goes_on) {
    mailbox box;
    std::string out;
    std::thread::id ran_on;
    const plain p = via_mailbox(box, out, ran_on);
    box.run_one();
    p.join();
    EXPECT_EQ(out, "hello box");
    EXPECT_EQ(ran_on, std::this_thread::get_id());
}

struct set_when_destroyed {
    std::atomic<int>* count;
    explicit set_when_destroyed(std::atomic<int>& c) : count(&c) {}
    set_when_destroyed(set_when_destroyed&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
    set_when_destroyed& operator=(set_when_destroyed&&) = delete;
    ~set_when_destroyed() {
        if (count == nullptr) return;
        ++*count;
        count->notify_all();
    }
};

bide::task<int> sleeps_for_ever(set_when_destroyed, std::atomic<int>* begun) {
    *begun = 1;
    begun->notify_all();
    co_await bide::sleep_for(std::chrono::hours::max());
    co_return 1;
}

plain awaits_for_ever(std::atomic<int>& ended, std::atomic<int>& begun, bool& resumed) {
    co_await sleeps_for_ever(set_when_destroyed(ended), &begun);
    resumed = true;
}

TEST(foreign, C1_10_a_destroyed_awaiter_stops_the_work) {
    std::atomic<int> ended{0};
    std::atomic<int> begun{0};
    bool resumed = false;
    plain p = awaits_for_ever(ended, begun, resumed);
    begun.wait(0);
    p.drop();
    ended.wait(0);  // the work was stopped and unwound on the background loop
    EXPECT_EQ(ended, 1);
    EXPECT_FALSE(resumed);
}

// Each move lets the background loop do what it has to do. The object is moved between the start of the work and the
// subscription to its end: so the end comes before the subscription.
struct slow_to_move {
    std::thread::id* ran_on;
    explicit slow_to_move(std::thread::id& id) : ran_on(&id) {}
    slow_to_move(slow_to_move&& other) noexcept : ran_on(other.ran_on) {
        bide::detail::background_loop().submit(bide::yield_now()).wait();
        bide::detail::background_loop().submit(bide::yield_now()).wait();
    }
    slow_to_move& operator=(slow_to_move&&) = delete;
    ~slow_to_move() = default;
    void operator()(std::coroutine_handle<> h) const {
        *ran_on = std::this_thread::get_id();
        h.resume();
    }
};

bide::task<int> at_once() { co_return 11; }
bide::task<int> when_told(bide::event& gate) {
    co_await gate;
    co_return 12;
}
plain awaits_via(slow_to_move over, bide::task<int> work, int& out) {
    out = co_await bide::via(std::move(over), std::move(work));
}

TEST(foreign, C1_10_work_that_ends_at_once_still_ends_on_the_background_loop) {
    std::thread::id ran_on;
    int out = 0;
    const plain p = awaits_via(slow_to_move(ran_on), at_once(), out);
    p.join();
    EXPECT_EQ(out, 11);
    EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(foreign, C1_10_work_that_ends_later_ends_on_the_background_loop) {
    std::thread::id ran_on;
    bide::event gate;
    int out = 0;
    const plain p = awaits_via(slow_to_move(ran_on), when_told(gate), out);
    EXPECT_EQ(out, 0);
    gate.set();
    p.join();
    EXPECT_EQ(out, 12);
    EXPECT_NE(ran_on, std::this_thread::get_id());
}

// ---- a bide task awaits what bide does not know ---------------------------------------------------------------------

// Resumes its awaiter from another thread, or says that it need not be suspended.
struct elsewhere {
    std::thread& worker;
    std::atomic<bool>& go;
    explicit elsewhere(std::thread& w, std::atomic<bool>& g) : worker(w), go(g) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        worker = std::thread([h, this_go = &go] {
            this_go->wait(false);
            h.resume();
        });
    }
    int await_resume() const { return 7; }
};

bide::task<int> awaits_elsewhere(std::thread& worker, std::atomic<bool>& go, std::thread::id& before,
                                 std::thread::id& after) {
    before = std::this_thread::get_id();
    const int n = co_await elsewhere(worker, go);
    after = std::this_thread::get_id();
    co_return n;
}

TEST(foreign, C1_10_a_task_that_awaits_foreign_code_returns_to_its_executor) {
    std::thread worker;
    std::atomic<bool> go{false};
    std::thread::id before;
    std::thread::id after;
    const int n = bide::with_scope([&](bide::scope& s) {
        auto f = s.start(awaits_elsewhere, std::ref(worker), std::ref(go), std::ref(before), std::ref(after));
        s.start([&]() -> bide::task<> {
            go = true;
            go.notify_all();
            co_return;
        });
        return f.wait();
    });
    worker.join();
    EXPECT_EQ(n, 7);
    EXPECT_EQ(before, after);
}

TEST(foreign, C1_10_cancelled_meanwhile_it_is_not_destroyed_before_it_is_resumed) {
    std::thread worker;
    std::atomic<bool> go{false};
    std::atomic<int> ended{0};
    bool went_on = false;
    bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
        auto f = s.start([&]() -> bide::task<> {
            const set_when_destroyed mark(ended);
            co_await elsewhere(worker, go);
            went_on = true;  // the foreign effect is delivered; the stopped task ends at its next wait
            co_await bide::sleep_for(1h);
            ADD_FAILURE() << "went on after the stop";
        });
        bide::wait(bide::yield_now());
        f.stop();
        bide::wait(bide::yield_now());
        EXPECT_EQ(ended, 0);
        go = true;
        go.notify_all();
    });
    worker.join();
    EXPECT_TRUE(went_on);
    EXPECT_EQ(ended, 1);
}

struct says_no {
    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<>) const { return false; }
    int await_resume() const { return 1; }
};
struct transfers {  // symmetric transfer straight back
    bool await_ready() const { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) const { return h; }
    int await_resume() const { return 2; }
};
struct throws_late {
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<>) const { throw std::runtime_error("from await_suspend"); }
    void await_resume() const {}
};
struct with_operator {
    auto operator co_await() const { return says_no(); }
};

bide::task<int> child_after_a_foreign_throw() {
    bool caught = false;
    try {
        co_await throws_late();
    } catch (const std::runtime_error&) {
        caught = true;
    }
    const std::string said = co_await greet("still right");
    co_return caught&& said == "hello still right" ? 4 : 0;
}

bide::task<int> all_replies() {
    int sum = co_await says_no();
    sum += co_await transfers();
    sum += co_await with_operator();
    sum += co_await child_after_a_foreign_throw();
    co_return sum;
}

TEST(foreign, C1_10_every_form_of_await_suspend) { EXPECT_EQ(all_replies().wait(), 8); }

}  // namespace
