// SPDX-License-Identifier: BSL-1.0
//
// A bide loop inside somebody else's loop, and bide's tasks on somebody else's executor (contract 7.8); a loop in the
// child of a fork (7.9).
#include <bide/error.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/watchdog.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

// The event loop of a program that knows poll(2) and its own descriptors. A bide loop is one descriptor more.
class host_loop {
public:
    explicit host_loop(bide::loop& guest) : guest_(guest) {}

    template <class Done>
    void run_until(const Done& done) {
        while (!done()) {
            ++turns;
            const bool more = guest_.poll();
            if (done()) return;
            pollfd fds[1] = {{guest_.descriptor(), POLLIN, 0}};
            ::poll(fds, 1, more ? 0 : timeout());
        }
    }
    int turns = 0;

private:
    int timeout() {
        const auto at = guest_.next_deadline();
        if (!at) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*at - guest_.now()).count();
        return left <= 0 ? 0 : static_cast<int>(left);
    }
    bide::loop& guest_;
};

bide::task<int> add_after(std::chrono::milliseconds d, int a, int b) {
    co_await bide::sleep_for(d);
    co_return a + b;
}

bide::task<int> just(int n) { co_return n; }

bool readable_now(int fd) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

TEST(embedding, C7_8_a_host_with_poll_runs_tasks_timers_and_submits_from_threads) {
    const support::watchdog guard;
    bide::loop guest;
    host_loop host(guest);
    auto here = guest.submit(add_after, 5ms, 1, 2);
    bide::future<int> there;
    std::thread other([&] { there = guest.submit(add_after, 1ms, 20, 22); });
    other.join();
    host.run_until([&] {
        return here.status() != bide::future_status::pending && there.status() != bide::future_status::pending;
    });
    EXPECT_EQ(here.value(), 3);
    EXPECT_EQ(there.value(), 42);
    EXPECT_LT(host.turns, 60);  // the host slept in poll(2) and did not spin
}

TEST(embedding, C7_8_a_post_from_a_thread_wakes_the_host_out_of_its_poll) {
    const support::watchdog guard;
    bide::loop guest;
    host_loop host(guest);
    bide::promise<int> p;
    auto f = p.get_future();
    auto waiting = guest.submit(
        [](bide::future<int> in) -> bide::task<int> {
            const int n = co_await in;
            co_return n + 1;
        },
        f);
    EXPECT_FALSE(guest.poll());  // the task waits; the host may sleep for ever
    EXPECT_FALSE(guest.next_deadline().has_value());
    EXPECT_FALSE(readable_now(guest.descriptor()));
    std::thread other([&] { p.set_value(6); });
    other.join();
    EXPECT_TRUE(readable_now(guest.descriptor()));
    host.run_until([&] { return waiting.status() != bide::future_status::pending; });
    EXPECT_EQ(waiting.value(), 7);
    EXPECT_FALSE(readable_now(guest.descriptor()));  // the wake-up was taken back: the host does not spin
}

TEST(embedding, C7_8_a_submit_before_the_first_poll_is_not_slept_over) {
    const support::watchdog guard;
    bide::loop guest;
    EXPECT_FALSE(guest.next_deadline().has_value());  // from here on the host sleeps
    bide::future<int> f;
    std::thread other([&] { f = guest.submit(just, 5); });
    other.join();
    EXPECT_TRUE(readable_now(guest.descriptor()));
    EXPECT_TRUE(guest.next_deadline().has_value());
    guest.poll();
    EXPECT_EQ(f.value(), 5);
}

TEST(embedding, C7_8_next_deadline_is_the_first_timers) {
    bide::testing::virtual_time time;
    bide::loop guest;
    EXPECT_EQ(guest.next_deadline(), std::nullopt);
    const auto began = time.now();
    auto late = guest.submit(add_after, 50ms, 0, 0);
    auto soon = guest.submit(add_after, 20ms, 0, 0);
    EXPECT_EQ(guest.next_deadline(), began);  // something is ready
    while (guest.poll()) {}
    EXPECT_EQ(guest.next_deadline(), began + 20ms);
    EXPECT_EQ(time.elapsed(), 0ms);  // poll() never sleeps and never moves the time
    guest.run();
    EXPECT_EQ(time.elapsed(), 50ms);
    EXPECT_EQ(guest.next_deadline(), std::nullopt);
    EXPECT_EQ(late.value() + soon.value(), 0);
}

TEST(embedding, C7_8_poll_runs_what_was_ready_and_says_that_there_is_more) {
    bide::loop guest;
    int turns = 0;
    auto f = guest.submit(
        [](int& n) -> bide::task<> {
            for (; n < 3; ++n) co_await bide::yield_now();
        },
        std::ref(turns));
    EXPECT_TRUE(guest.poll());
    EXPECT_EQ(turns, 0);
    EXPECT_TRUE(guest.poll());
    EXPECT_EQ(turns, 1);
    while (guest.poll()) {}
    EXPECT_EQ(turns, 3);
    EXPECT_EQ(f.status(), bide::future_status::succeeded);
}

TEST(embedding, C7_8_poll_and_run_inside_a_task_of_the_loop_are_refused) {
    bide::loop guest;
    auto f = guest.submit(
        [](bide::loop& l) -> bide::task<int> {
            int refused = 0;
            try {
                l.poll();
            } catch (const bide::usage_error&) {
                ++refused;
            }
            try {
                l.run();
            } catch (const bide::usage_error&) {
                ++refused;
            }
            co_return refused;
        },
        std::ref(guest));
    guest.run();
    EXPECT_EQ(f.value(), 2);
}

// ---- an executor of the user's --------------------------------------------------------------------------------------

// Runs tasks on a thread of its own; its timers are those of bide's background loop.
class my_thread final : public bide::executor {
public:
    my_thread() : thread_([this] { serve(); }) {}
    ~my_thread() override {
        retire();
        {
            const std::lock_guard guard(m_);
            over_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    void post(bide::ready_node& node) noexcept override {
        const std::lock_guard guard(m_);
        node.next = nullptr;
        if (last_ != nullptr)
            last_->next = &node;
        else
            first_ = &node;
        last_ = &node;
        changed_.notify_one();
    }
    [[nodiscard]] const char* name() const noexcept override { return "my_thread"; }
    [[nodiscard]] std::thread::id id() const { return thread_.get_id(); }

private:
    void serve() {
        std::unique_lock guard(m_);
        for (;;) {
            changed_.wait(guard, [this] { return over_ || first_ != nullptr; });
            if (first_ == nullptr) return;
            bide::ready_node* n = first_;
            first_ = n->next;
            if (first_ == nullptr) last_ = nullptr;
            guard.unlock();
            bide::run_ready(*n);
            guard.lock();
        }
    }
    std::mutex m_;
    std::condition_variable changed_;
    bide::ready_node* first_ = nullptr;
    bide::ready_node* last_ = nullptr;
    bool over_ = false;
    std::thread thread_;
};

// Runs tasks when it is asked to, as a game does once a frame; its timers are those of a loop that is embedded beside
// it.
class my_frames final : public bide::executor {
public:
    explicit my_frames(bide::loop& timers) : timers_(timers) {}
    ~my_frames() override { retire(); }
    void post(bide::ready_node& node) noexcept override {
        const std::lock_guard guard(m_);
        nodes_.push_back(&node);
    }
    bide::loop& carrier() noexcept override { return timers_; }
    int draw() {
        std::deque<bide::ready_node*> now;
        {
            const std::lock_guard guard(m_);
            now.swap(nodes_);
        }
        for (bide::ready_node* n : now) bide::run_ready(*n);
        return static_cast<int>(now.size());
    }

private:
    bide::loop& timers_;
    std::mutex m_;
    std::deque<bide::ready_node*> nodes_;
};

bide::task<std::thread::id> where_am_i() {
    const auto before = std::this_thread::get_id();
    co_await bide::sleep_for(1ms);
    co_await bide::yield_now();
    const auto after = std::this_thread::get_id();
    if (before != after) throw std::runtime_error("the task moved");
    co_return after;
}

TEST(embedding, C7_8_tasks_run_on_an_executor_of_the_users_and_stay_there) {
    const support::watchdog guard;
    my_thread mine;
    std::vector<bide::future<std::thread::id>> all;
    bide::scope_options on_mine;
    on_mine.on = &mine;
    bide::with_scope(on_mine, [&](bide::scope& s) {
        for (int i = 0; i < 20; ++i) all.push_back(s.start(where_am_i));
    });
    for (auto& f : all) EXPECT_EQ(f.value(), mine.id());
}

TEST(embedding, C7_8_failures_and_cancellations_pass_through_an_executor_of_the_users) {
    const support::watchdog guard;
    my_thread mine;
    bide::scope_options on_mine;
    on_mine.on = &mine;
    bide::future<> sleeper;
    std::atomic<bool> cleaned{false};
    struct cleanup {
        std::atomic<bool>& ran;
        explicit cleanup(std::atomic<bool>& r) : ran(r) {}
        ~cleanup() { ran = true; }
    };
    EXPECT_THROW(bide::with_scope(on_mine,
                                  [&](bide::scope& s) {
                                      sleeper = s.start(
                                          [](std::atomic<bool>& ran) -> bide::task<> {
                                              const cleanup at_end(ran);
                                              co_await bide::sleep_for(1h);
                                          },
                                          std::ref(cleaned));
                                      s.start([]() -> bide::task<> {
                                          co_await bide::yield_now();
                                          throw std::out_of_range("far");
                                      });
                                  }),
                 std::out_of_range);
    EXPECT_TRUE(cleaned);
    EXPECT_EQ(sleeper.status(), bide::future_status::cancelled);
}

TEST(embedding, C7_8_an_executor_that_is_emptied_by_hand_beside_an_embedded_loop) {
    const support::watchdog guard;
    bide::testing::virtual_time time;
    bide::loop timers;
    my_frames frames(timers);
    bide::scope_options on_frames;
    on_frames.on = &frames;
    int drawn = 0;
    // The scope's body runs on the embedded loop, and its tasks run in the frames.
    auto all = timers.submit(
        [](bide::scope_options options, int& n) -> bide::task<> {
            co_await bide::with_scope(options, [&](bide::scope& s) -> bide::task<> {
                s.start(
                    [](int& count) -> bide::task<> {
                        for (; count < 5; ++count) co_await bide::sleep_for(16ms);
                    },
                    std::ref(n));
                co_return;
            });
        },
        on_frames, std::ref(drawn));
    int frames_with_work = 0;
    while (all.status() == bide::future_status::pending) {
        while (timers.poll()) {}
        if (frames.draw() > 0)
            ++frames_with_work;
        else if (all.status() == bide::future_status::pending)
            bide::sleep_until(timers.next_deadline().value()).wait();  // the host sleeps
    }
    EXPECT_EQ(drawn, 5);
    EXPECT_EQ(frames_with_work, 6);
    EXPECT_EQ(time.elapsed(), 80ms);
}

// ---- fork -----------------------------------------------------------------------------------------------------------

// Runs f in the child of a fork; what it returns is the child's exit status.
template <class F>
int in_a_child(const F& f) {
    const pid_t child = ::fork();
    if (child == 0) {
        int status = 99;
        try {
            status = f();
        } catch (...) {}
        ::_exit(status);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

template <class F>
bool says_fork(const F& f) {
    try {
        f();
    } catch (const bide::usage_error& e) {
        return std::string(e.what()).find("fork") != std::string::npos;
    }
    return false;
}

TEST(embedding, C7_9_an_inherited_loop_is_an_error_that_says_so) {
    const support::watchdog guard;
    bide::loop l;
    EXPECT_EQ(just(1).wait(), 1);  // this thread keeps an idle loop from now on
    auto before = l.submit(just, 3);
    const int status = in_a_child([&] {
        int wrong = 0;
        if (!says_fork([&] { (void)l.submit(just, 1); })) wrong |= 1;
        if (!says_fork([&] { l.run(); })) wrong |= 2;
        if (!says_fork([&] { l.poll(); })) wrong |= 4;
        if (!says_fork([&] { l.stop(); })) wrong |= 8;
        if (!says_fork([&] { (void)l.next_deadline(); })) wrong |= 16;
        if (!says_fork([&] { (void)l.descriptor(); })) wrong |= 32;
        return wrong;
    });
    EXPECT_EQ(status, 0);
    l.run();  // the parent's loop goes on
    EXPECT_EQ(before.value(), 3);
}

TEST(embedding, C7_9_the_child_makes_loops_of_its_own) {
    const support::watchdog guard;
    EXPECT_EQ(add_after(1ms, 1, 1).wait(), 2);
    const int status = in_a_child([&] {
        bide::loop fresh;
        auto f = fresh.submit(add_after, 1ms, 2, 3);
        fresh.run();
        return f.value() + add_after(1ms, 10, 20).wait();
    });
    EXPECT_EQ(status, 35);
}

}  // namespace
