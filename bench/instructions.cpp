// SPDX-License-Identifier: BSL-1.0
//
// instructions ROW N: does one thing N times, for bench/instructions and ./run counts to count.
#include <bide/bide.hpp>
#include <bide/pool.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

namespace {

bide::task<int> answer(int n) { co_return n; }
bide::task<> nothing() { co_return; }
bide::task<long> awaits(long n) {
    long sum = 0;
    for (long i = 0; i < n; ++i) sum += co_await answer(1);
    co_return sum;
}
bide::task<> yields(long n) {
    for (long i = 0; i < n; ++i) co_await bide::yield_now();
}

bide::task<> half(long n, bide::semaphore& mine, bide::semaphore& others) {
    for (long i = 0; i < n; i += 2) {
        (co_await mine.acquire()).disown();
        others.release();
    }
}
bide::task<> sends(long n, bide::channel<long>& to, bide::channel<long>& from, long& sum) {
    for (long i = 0; i < n; ++i) {
        co_await to.send(1);
        sum += *co_await from.receive();
    }
    to.close();
}
bide::task<> answers(bide::channel<long>& from, bide::channel<long>& to) {
    while (auto got = co_await from.receive()) co_await to.send(*got);
}
bide::task<> gives(long n, bide::channel<long>& to) {
    for (long i = 0; i < n; ++i) co_await to.send(1);
    to.close();
}
bide::task<> takes(bide::channel<long>& from, long& sum) {
    while (auto got = co_await from.receive()) sum += *got;
}
bide::task<long> forks(long n) {  // n - 1 of them
    if (n == 1) co_return 1;
    auto [a, b] = co_await bide::when_all(forks(n / 2), forks(n - n / 2));
    co_return a + b;
}

bide::task<long> times(long n) {
    long sum = 0;
    for (long i = 0; i < n; ++i) sum += co_await bide::with_timeout(std::chrono::hours(1), answer(1));
    co_return sum;
}

bool await_row(long n) { return awaits(n).wait() == n; }
bool yield_row(long n) {
    yields(n).wait();
    return true;
}
bool start_row(long n) {
    for (long i = 0; i < n; i += 100)
        bide::with_scope([](bide::scope& s) {
            for (int k = 0; k < 100; ++k) s.start(nothing);
        });
    return true;
}
bool wait_row(long n) {
    for (long i = 0; i < n; ++i)
        if (answer(1).wait() != 1) return false;
    return true;
}
// Two tasks of one loop wake each other n times.
bool wake_row(long n) {
    bide::semaphore a(1);
    bide::semaphore b(0);
    bide::with_scope([&](bide::scope& s) {
        s.start(half, n, std::ref(a), std::ref(b));
        s.start(half, n, std::ref(b), std::ref(a));
    });
    return true;
}
bide::task<> locks(long n, bide::mutex& m) {
    for (long i = 0; i < n; ++i) auto guard = co_await m.lock();
}
bide::task<> hands(long n, bide::mutex& m) {
    for (long i = 0; i < n; i += 2) {
        auto guard = co_await m.lock();
        co_await bide::yield_now();
    }
}
// Locked and unlocked, nobody else wants it.
bool mutex_row(long n) {
    bide::mutex m;
    locks(n, m).wait();
    return true;
}
// Two tasks, each: lock, yield, unlock; per lock.
bool handed_row(long n) {
    bide::mutex m;
    bide::with_scope([&](bide::scope& s) {
        s.start(hands, n, std::ref(m));
        s.start(hands, n, std::ref(m));
    });
    return true;
}
// Two tasks give way to each other; per switch.
bool switch_row(long n) {
    bide::with_scope([&](bide::scope& s) {
        s.start(yields, n / 2);
        s.start(yields, n / 2);
    });
    return true;
}
// There and back through two channels of one place.
bool channel_row(long n) {
    bide::channel<long> there(1);
    bide::channel<long> back(1);
    long sum = 0;
    bide::with_scope([&](bide::scope& s) {
        s.start(answers, std::ref(there), std::ref(back));
        s.start(sends, n, std::ref(there), std::ref(back), std::ref(sum));
    });
    return sum == n;
}
// Through a channel of 64, from one task to another.
bool item_row(long n) {
    bide::channel<long> c(64);
    long sum = 0;
    bide::with_scope([&](bide::scope& s) {
        s.start(gives, n, std::ref(c));
        s.start(takes, std::ref(c), std::ref(sum));
    });
    return sum == n;
}
// An hour is given to a child that does not wait.
bool timer_row(long n) { return times(n).wait() == n; }
bool fork_row(long n) {
    bide::pool p(1);
    return p.run(forks, n).wait() == n;
}

// ---- n of them at the same time

bide::task<> waits(bide::event& e) { co_await e; }
bide::task<> sleeps(long milliseconds) { co_await bide::sleep_for(std::chrono::milliseconds(milliseconds)); }
bide::task<> locks_once(bide::mutex& m, long& turns) {
    auto guard = co_await m.lock();
    ++turns;
}

// Tasks that wait for one event, which then is set.
bool tasks_row(long n) {
    bide::event e;
    bide::with_scope([&](bide::scope& s) {
        for (long i = 0; i < n; ++i) s.start(waits, std::ref(e));
        s.start([&]() -> bide::task<> {
            e.set();
            co_return;
        });
    });
    return true;
}
// Timers: in no order, each later than the one before, each earlier, all for one time.
bool sleepers(long n, long (*when)(long i, long n)) {
    const bide::testing::virtual_time time;
    bide::with_scope([&](bide::scope& s) {
        for (long i = 0; i < n; ++i) s.start(sleeps, when(i, n));
    });
    return true;
}
bool timers_row(long n) {
    return sleepers(n, [](long i, long) { return 1 + i * 7919 % 100'003; });
}
bool rising_row(long n) {
    return sleepers(n, [](long i, long) { return 1 + i; });
}
bool falling_row(long n) {
    return sleepers(n, [](long i, long many) { return many - i; });
}
bool alike_row(long n) {
    return sleepers(n, [](long, long) { return 1000L; });
}
// Waiters for one mutex.
bool waiters_row(long n) {
    bide::mutex m;
    long turns = 0;
    bide::with_scope([&](bide::scope& s) {
        s.start([&]() -> bide::task<> {
            auto guard = co_await m.lock();
            co_await bide::yield_now();
        });
        for (long i = 0; i < n; ++i) s.start(locks_once, std::ref(m), std::ref(turns));
    });
    return turns == n;
}
// Sleepers, who are stopped together.
bool stopped_row(long n) {
    bide::scope_options o;
    o.exit = bide::exit_mode::cancel;
    bide::with_scope(o, [&](bide::scope& s) {
        for (long i = 0; i < n; ++i) s.start(sleeps, 3'600'000 + i * 7919 % 100'003);
        bide::sleep_for(std::chrono::milliseconds(1)).wait();
    });
    return true;
}

// Sleepers, who are stopped one after another, with a look at the timers after each.
bool taken_row(long n) {
    const bide::testing::virtual_time time;
    bide::with_scope([&](bide::scope& s) {
        std::vector<bide::future<void>> all;
        for (long i = 0; i < n; ++i) all.push_back(s.start(sleeps, 3'600'000 + i * 7919 % 100'003));
        for (const auto& one : all) {
            one.stop();
            bide::sleep_for(std::chrono::milliseconds(1)).wait();
        }
    });
    return true;
}

struct row {
    const char* name;
    bool (*run)(long n);
};
constexpr row rows[] = {
    {"await", await_row},     {"yield", yield_row},     {"start", start_row},     {"wait", wait_row},
    {"wake", wake_row},       {"switch", switch_row},   {"mutex", mutex_row},     {"handed", handed_row},
    {"channel", channel_row}, {"item", item_row},       {"fork", fork_row},       {"timer", timer_row},
    {"tasks", tasks_row},     {"waiters", waiters_row}, {"stopped", stopped_row}, {"timers", timers_row},
    {"rising", rising_row},   {"falling", falling_row}, {"alike", alike_row},     {"taken", taken_row}};

}  // namespace

int main(int count, char** arguments) {
    if (count == 3)
        for (const row& r : rows)
            if (std::strcmp(arguments[1], r.name) == 0) return r.run(std::strtol(arguments[2], nullptr, 10)) ? 0 : 1;
    std::fputs("usage: instructions ROW N; the rows are", stderr);
    for (const row& r : rows) std::fprintf(stderr, " %s", r.name);
    std::fputs("\n", stderr);
    return 2;
}
