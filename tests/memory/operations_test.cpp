// SPDX-License-Identifier: BSL-1.0
//
// What happens when memory is short, wherever it is: an operation succeeds all the same or throws bad_alloc, and
// nothing is lost, left behind, or left waiting.
#include "shortage.hpp"

#include "support/watchdog.hpp"

#include <bide/bide.hpp>
#include <bide/io/tcp.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::scope;
using bide::task;
using support::counted;
using support::life_count;

task<int> steps(counted c, int value) {
    const counted local(c);
    co_await bide::yield_now();
    co_return value;
}
task<int> nested(counted c, int depth) {
    if (depth == 0) co_return co_await steps(c, 1);
    co_return 1 + co_await nested(c, depth - 1);
}

void awaits(life_count& l) { static_cast<void>(nested(counted(l), 4).wait()); }

void plain_scope(life_count& l) {
    bide::with_scope([&](scope& s) {
        auto a = s.start(steps, counted(l), 1);
        auto b = s.start(nested, counted(l), 2);
        static_cast<void>(a.wait());
        s.start(steps, counted(l), 3);
    });
}

void async_scope(life_count& l) {
    const auto body = [&](scope& s) -> task<> {
        auto a = s.start(steps, counted(l), 1);
        co_await s.join();
        auto again = s.ref();
        again.start(steps, counted(l), 2);
        co_await a;
    };
    bide::with_scope(body).wait();
}

void scope_with_failures(life_count& l) {
    std::vector<std::exception_ptr> errors;
    bide::scope_options options;
    options.error = bide::error_mode::keep_going;
    options.errors = &errors;
    try {
        bide::with_scope(options, [&](scope& s) {
            for (int i = 0; i < 3; ++i)
                s.start(
                    [](counted) -> task<> {
                        co_await bide::yield_now();
                        throw std::logic_error("as planned");
                    },
                    counted(l));
        });
    } catch (const bide::exception_group&) {  // also where one of them is a bad_alloc
    } catch (const std::logic_error&) {       // as itself, where there was no memory for the group
    }
}

void scope_with_unfinished_tasks(life_count& l) {
    try {
        bide::with_scope({.exit = bide::exit_mode::fail}, [&](scope& s) {
            s.start(steps, counted(l), 1);
            s.start(steps, counted(l), 2);
        });
    } catch (const bide::unfinished_tasks&) {}
}

void own_loop(life_count& l) {
    bide::loop own;
    auto a = own.submit(steps, counted(l), 1);
    auto b = own.submit(nested, counted(l), 2);
    own.run();
    static_cast<void>(a.value() + b.value());
}

void threads_of_loops(life_count& l) {
    bide::loop_thread worker;
    worker.on_start([c = counted(l)]() -> task<> { co_await bide::yield_now(); });
    worker.start();
    auto a = worker.submit(steps, counted(l), 1);
    auto b = worker.to_thread([](counted) { return 1; }, counted(l));
    static_cast<void>(a.wait() + b.wait() + worker.call([c = counted(l)] { return 1; }).wait());
    worker.shutdown();
}

void strands(life_count& l) {
    bide::strand one;
    auto a = one.submit(steps, counted(l), 1);
    {
        auto inside = one.enter().wait();
        const counted here(l);
    }
    const auto enters = [&](counted) -> task<> {
        auto inside = co_await one.enter();
        co_await bide::yield_now();
    };
    bide::with_scope([&](scope& s) { s.start(enters, counted(l)); });
    static_cast<void>(a.wait());
}

void all_of_them(life_count& l) {
    static_cast<void>(bide::when_all(steps(counted(l), 1), nested(counted(l), 1)).wait());
    std::vector<task<int>> many;
    for (int i = 0; i < 3; ++i) many.push_back(steps(counted(l), i));
    static_cast<void>(bide::when_all(std::move(many)).wait());
}

void all_outcomes(life_count& l) {
    auto [a, b] = bide::when_all_settled(steps(counted(l), 1), nested(counted(l), 1)).wait();
    if (a.error()) std::rethrow_exception(a.error());
    if (b.error()) std::rethrow_exception(b.error());
}

void first_of_them(life_count& l) {
    static_cast<void>(bide::first_success(steps(counted(l), 1), nested(counted(l), 3)).wait());
    static_cast<void>(bide::race(steps(counted(l), 1), nested(counted(l), 3)).wait());
}

void jobs(life_count& l) {
    auto a = bide::to_thread([](counted) { return 1; }, counted(l));
    auto later = bide::make_async([](counted) { return 2; });
    auto b = later(counted(l));
    static_cast<void>(a.wait() + b.wait());
    static_cast<void>(bide::run([](counted) { return 3; }, counted(l)).wait());
}

void compositions(life_count& l) {
    auto both = bide::parallel().add(steps, counted(l), 1).add([](counted) { return 2; }, counted(l));
    static_cast<void>(bide::serial().add(both).add(steps, counted(l), 3).wait());
    auto list = bide::parallel<int>();
    for (int i = 0; i < 2; ++i) list.add(steps, counted(l), i);
    static_cast<void>(list.wait());
}

void guards(life_count& l) {
    static_cast<void>(bide::wait(bide::with_timeout(1h, steps(counted(l), 1))));
    static_cast<void>(bide::wait(bide::shield(steps(counted(l), 1))));
    bide::stop_source quit;
    static_cast<void>(bide::wait(bide::with_stop(quit.token(), steps(counted(l), 1))));
    static_cast<void>(bide::wait(bide::stopped_as_optional(steps(counted(l), 1))));
    const auto clean = [&]() -> task<> { static_cast<void>(co_await steps(counted(l), 1)); };
    static_cast<void>(bide::wait(bide::finally(steps(counted(l), 1), clean, 1h)));
}

inline constinit bide::task_local<std::shared_ptr<counted>> value_below;
void task_locals(life_count& l) {
    auto value = std::make_shared<counted>(l);
    static_cast<void>(bide::wait(value_below.with_value(std::move(value), steps(counted(l), 1))));
}

void results(life_count& l) {
    bide::promise<std::shared_ptr<counted>> p;
    auto f = p.get_future();
    int called = 0;
    f.subscribe([&called, c = counted(l)](const auto&) { ++called; }, [c = counted(l)](const std::exception_ptr&) {});
    bide::with_scope([&](scope& s) {
        s.start([](auto from, counted) -> task<> { static_cast<void>(co_await from); }, f, counted(l));
        p.set_value(std::make_shared<counted>(l));
    });
    f.subscribe([&called](const auto&) { ++called; }, [](const std::exception_ptr&) {}, bide::run_on::caller);
    if (called != 2) throw std::logic_error("a subscriber was lost");
}

void sync(life_count& l) {
    bide::mutex m;
    bide::condition changed;
    bide::semaphore places(1);
    bide::event go;
    bide::latch done(1);
    bool told = false;
    auto held = m.lock().wait();
    const auto tells = [&](counted) -> task<> {
        auto permit = co_await places.acquire();
        go.set();
        auto own = co_await m.lock();
        told = true;
        changed.notify_one();
        done.count_down();
    };
    bide::with_scope([&](scope& s) {
        s.start(tells, counted(l));
        const auto was_told = [&told] { return told; };
        changed.wait(held, was_told).wait();
        go.wait();
        done.wait();
        held.unlock();
    });
}

void channels(life_count& l) {
    bide::channel<std::unique_ptr<counted>> c(2);
    const auto sends = [&](counted) -> task<> {
        for (int i = 0; i < 3; ++i) {
            auto value = std::make_unique<counted>(l);
            co_await c.send(std::move(value));
        }
        c.close();
    };
    bide::with_scope([&](scope& s) {
        s.start(sends, counted(l));
        while (auto value = c.receive().wait()) {}
    });
}

void moves(life_count& l) {
    bide::loop_thread worker;
    worker.start();
    const auto there = [&](counted) -> task<> {
        co_await bide::resume_on(worker.get_executor());
        co_await bide::yield_now();
    };
    there(counted(l)).wait();
}

void connections(life_count& l) {
    auto at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));
    const auto echoes = [&](counted) -> task<> {
        auto peer = co_await at.accept();
        std::array<std::byte, 4> buffer{};
        co_await peer.read_exactly(buffer);
        co_await peer.write_all(std::span<const std::byte>(buffer));
    };
    bide::with_scope([&](scope& s) {
        s.start(echoes, counted(l));
        auto to = bide::tcp_stream::connect(at.endpoint()).wait();
        std::array<std::byte, 4> buffer{};
        to.write_all(std::span<const std::byte>(buffer)).wait();
        to.read_exactly(buffer).wait();
    });
}

// What closes a circle is told so; without memory for that, that there is none. Nobody waits for ever.
void deadlocks(life_count& l) {
    bide::mutex one;
    bide::mutex other;
    int told = 0;
    const auto takes = [&told](counted, bide::mutex& first, bide::mutex& second) -> task<> {
        auto holding = co_await first.lock();
        co_await bide::yield_now();
        try {
            auto both = co_await second.lock();
        } catch (const bide::would_deadlock&) {
            ++told;
        }
    };
    bide::with_scope([&](scope& s) {
        s.start(takes, counted(l), std::ref(one), std::ref(other));
        s.start(takes, counted(l), std::ref(other), std::ref(one));
    });
    EXPECT_EQ(told, 1);
}

struct operation {
    const char* name;
    void (*run)(life_count&);
};
std::string name_of(const testing::TestParamInfo<operation>& at) { return at.param.name; }
class operations : public testing::TestWithParam<operation> {};

TEST_P(operations, C19_3_succeed_or_throw_bad_alloc_and_leave_nothing) {
    const support::watchdog here(std::chrono::seconds(100));
    for (const memory::shortage how : {memory::shortage::once, memory::shortage::for_good}) {
        const memory::swept swept = memory::fail_each_allocation(GetParam().run, how);
        EXPECT_GT(swept.allocations, 0);
        EXPECT_GT(swept.failed, 0);
        if (HasFailure()) return;
        std::printf("memory: %s: %ld allocations, %ld ended with bad_alloc\n", GetParam().name, swept.allocations,
                    swept.failed);
    }
}

INSTANTIATE_TEST_SUITE_P(
    memory, operations,
    testing::Values(operation{"awaits", &awaits}, operation{"plain_scope", &plain_scope},
                    operation{"async_scope", &async_scope}, operation{"scope_with_failures", &scope_with_failures},
                    operation{"scope_with_unfinished_tasks", &scope_with_unfinished_tasks},
                    operation{"own_loop", &own_loop}, operation{"threads_of_loops", &threads_of_loops},
                    operation{"strands", &strands}, operation{"all_of_them", &all_of_them},
                    operation{"all_outcomes", &all_outcomes}, operation{"first_of_them", &first_of_them},
                    operation{"jobs", &jobs}, operation{"compositions", &compositions}, operation{"guards", &guards},
                    operation{"task_locals", &task_locals}, operation{"results", &results}, operation{"sync", &sync},
                    operation{"channels", &channels}, operation{"moves", &moves}, operation{"deadlocks", &deadlocks},
                    operation{"connections", &connections}),
    name_of);

}  // namespace
