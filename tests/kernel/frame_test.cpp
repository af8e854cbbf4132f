// SPDX-License-Identifier: BSL-1.0
//
// Where frames live (detail/kernel/frame.hpp; task.hpp and scope.hpp promise it): in memory of the caller's, when a
// coroutine begins with (std::allocator_arg, a) or a scope was given a resource; and each goes back to where it came
// from.
#include <bide/combine.hpp>
#include <bide/detail/kernel/frame.hpp>
#include <bide/loop_thread.hpp>
#include <bide/scope.hpp>
#include <bide/task.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "support/lives.hpp"
#include "support/watchdog.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using bide::task;
using support::counted;

/// Counts, and finds what is given back that was not taken from here, or with another size or alignment.
class ledger final : public std::pmr::memory_resource {
public:
    ledger() = default;
    ledger(const ledger&) = delete;
    ledger& operator=(const ledger&) = delete;
    ~ledger() override {
        EXPECT_EQ(open(), 0) << "blocks were not given back";
        EXPECT_EQ(faults_, 0);
    }
    [[nodiscard]] long open() const {
        const std::lock_guard guard(m_);
        return static_cast<long>(blocks_.size());
    }
    [[nodiscard]] long taken() const {
        const std::lock_guard guard(m_);
        return taken_;
    }
    [[nodiscard]] std::size_t biggest() const {
        const std::lock_guard guard(m_);
        return biggest_;
    }
    [[nodiscard]] bool holds(const void* at) const {
        const std::lock_guard guard(m_);
        const auto address = reinterpret_cast<std::uintptr_t>(at);
        for (const auto& [begin, of] : blocks_)
            if (address >= begin && address < begin + of.first) return true;
        return false;
    }

private:
    void* do_allocate(std::size_t n, std::size_t alignment) override {
        void* const at = std::pmr::new_delete_resource()->allocate(n, alignment);
        const std::lock_guard guard(m_);
        blocks_[reinterpret_cast<std::uintptr_t>(at)] = {n, alignment};
        ++taken_;
        biggest_ = std::max(biggest_, n);
        return at;
    }
    void do_deallocate(void* at, std::size_t n, std::size_t alignment) override {
        {
            const std::lock_guard guard(m_);
            const auto found = blocks_.find(reinterpret_cast<std::uintptr_t>(at));
            if (found == blocks_.end() || found->second != std::pair(n, alignment))
                ++faults_;
            else
                blocks_.erase(found);
        }
        std::pmr::new_delete_resource()->deallocate(at, n, alignment);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

    mutable std::mutex m_;
    std::map<std::uintptr_t, std::pair<std::size_t, std::size_t>> blocks_;
    long taken_ = 0;
    int faults_ = 0;
    std::size_t biggest_ = 0;
};

using allocator = std::pmr::polymorphic_allocator<std::byte>;

task<bool> lies_in(std::allocator_arg_t, allocator a, const ledger& memory) {
    const int local = 0;
    co_await bide::yield_now();  // the local lives in the frame
    static_cast<void>(a);
    co_return memory.holds(&local);
}

TEST(frame, C1_1_C19_2_a_coroutine_that_is_given_an_allocator_lives_in_its_memory) {
    const long before = bide::detail::frames_alive();
    ledger memory;
    {
        auto cold = lies_in(std::allocator_arg, &memory, memory);
        EXPECT_EQ(memory.open(), 1);
        EXPECT_EQ(bide::detail::frames_alive(), before + 1);  // counted in every build
        EXPECT_TRUE(cold.wait());
        EXPECT_EQ(memory.open(), 0);
    }
    EXPECT_EQ(memory.taken(), 1);
    EXPECT_EQ(bide::detail::frames_alive(), before);
}

TEST(frame, C1_2_C19_2_one_that_never_runs_goes_back_too) {
    ledger memory;
    {
        const auto cold = lies_in(std::allocator_arg, &memory, memory);
        EXPECT_EQ(memory.open(), 1);
    }
    EXPECT_EQ(memory.open(), 0);
}

struct service {
    ledger& memory;
    int calls = 0;
    task<int> member(std::allocator_arg_t, allocator, int x) {
        ++calls;
        const int local = x;
        co_await bide::yield_now();
        EXPECT_TRUE(memory.holds(&local));
        co_return local + 1;
    }
    task<int> member_const(std::allocator_arg_t, allocator, int x) const {
        const int local = x;
        co_await bide::yield_now();
        EXPECT_TRUE(memory.holds(&local));
        co_return local + 2;
    }
};

TEST(frame, C1_1_so_does_a_member_coroutine_and_a_lambda) {
    ledger memory;
    service s{memory};
    EXPECT_EQ(s.member(std::allocator_arg, &memory, 1).wait(), 2);
    EXPECT_EQ(s.member_const(std::allocator_arg, &memory, 1).wait(), 3);
    EXPECT_EQ(s.calls, 1);
    const auto lambda = [&memory](std::allocator_arg_t, allocator, int x) -> task<int> {
        const int local = x;
        co_await bide::yield_now();
        EXPECT_TRUE(memory.holds(&local));
        co_return local;
    };
    EXPECT_EQ(lambda(std::allocator_arg, &memory, 5).wait(), 5);
    EXPECT_EQ(memory.taken(), 3);
}

// An allocator with a state of its own, of another value type, and not default-constructible.
template <class T>
struct counting {
    using value_type = T;
    std::shared_ptr<std::atomic<long>> bytes;
    explicit counting(std::shared_ptr<std::atomic<long>> b) : bytes(std::move(b)) {}
    template <class U>
    counting(const counting<U>& other) : bytes(other.bytes) {}  // NOLINT(google-explicit-constructor)
    T* allocate(std::size_t n) {
        *bytes += static_cast<long>(n * sizeof(T));
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* at, std::size_t n) {
        *bytes -= static_cast<long>(n * sizeof(T));
        std::allocator<T>().deallocate(at, n);
    }
    template <class U>
    bool operator==(const counting<U>& other) const {
        return bytes == other.bytes;
    }
};

/// The compiler cannot know what is done with it, and has to leave it where it is: in the frame.
void keep(void* variable) { asm volatile("" : : "r"(variable) : "memory"); }

task<int> sized(std::allocator_arg_t, counting<int>, int x) {
    std::array<char, 3001> big{};
    big[static_cast<std::size_t>(x)] = 1;
    keep(big.data());
    co_await bide::yield_now();
    keep(big.data());
    co_return big[static_cast<std::size_t>(x)];
}

TEST(frame, C1_1_any_allocator_which_is_copied_behind_the_frame_and_dies_with_it) {
    auto bytes = std::make_shared<std::atomic<long>>(0);
    {
        auto cold = sized(std::allocator_arg, counting<int>(bytes), 7);
        EXPECT_GT(*bytes, 3001);
        EXPECT_GT(bytes.use_count(), 1);
        EXPECT_EQ(cold.wait(), 1);
    }
    EXPECT_EQ(*bytes, 0);
    EXPECT_EQ(bytes.use_count(), 1);
}

TEST(frame, C1_2_memory_that_is_refused_throws_out_of_the_call_and_destroys_the_arguments) {
    support::life_count lives;
    const auto f = [](std::allocator_arg_t, allocator, counted) -> task<> { co_return; };
    EXPECT_THROW(static_cast<void>(f(std::allocator_arg, std::pmr::null_memory_resource(), counted(lives))),
                 std::bad_alloc);
    EXPECT_EQ(lives.alive, 0);
    EXPECT_EQ(lives.made, lives.destroyed);
}

task<> inner(const ledger& memory, bool expected, int depth) {
    const int local = depth;
    co_await bide::yield_now();
    EXPECT_EQ(memory.holds(&local), expected);
    if (depth != 0) co_await inner(memory, expected, depth - 1);
}

TEST(frame, C3_1_C19_2_a_scope_with_a_resource_has_nodes_and_frames_there) {
    const long before = bide::detail::frames_alive();
    ledger memory;
    {
        bide::future<> kept;
        bide::with_scope({.memory = &memory}, [&](bide::scope& s) {
            kept = s.start(
                [](const ledger& m) -> task<> {
                    const int local = 0;
                    co_await bide::sleep_for(0s);
                    EXPECT_TRUE(m.holds(&local));
                },
                std::cref(memory));
            EXPECT_EQ(memory.open(), 1);  // the node; the frame is made when the task is due
            s.join().wait();
            EXPECT_EQ(memory.open(), 1);  // the frame has died, the node holds the result
        });
        EXPECT_EQ(memory.open(), 1);
        EXPECT_EQ(memory.taken(), 2);
        EXPECT_TRUE(kept.status() == bide::future_status::succeeded);
    }
    EXPECT_EQ(memory.open(), 0);
    EXPECT_EQ(bide::detail::frames_alive(), before);
}

TEST(frame, C3_1_what_such_a_task_calls_after_a_wait_lives_in_the_usual_memory) {
    // The resource serves the nodes and the outermost frames of what is started; a frame that is made later, perhaps on
    // another thread, is nothing that the scope's owner has to know of.
    ledger memory;
    bide::with_scope({.memory = &memory}, [&](bide::scope& s) {
        s.start(
            [](const ledger& m) -> task<> {
                co_await bide::yield_now();
                co_await inner(m, false, 2);
            },
            std::cref(memory));
    });
    EXPECT_EQ(memory.taken(), 2);
    bide::with_scope([&](bide::scope& s) { s.start(inner, std::cref(memory), false, 1); });  // no other scope's
    EXPECT_EQ(memory.taken(), 2);
}

TEST(frame, C3_1_scopes_with_different_resources_nest) {
    ledger a;
    ledger b;
    bide::with_scope({.memory = &a}, [&](bide::scope& outer) {
        outer.start(
            [](ledger& m) -> task<> {
                bide::scope_options options;
                options.memory = &m;
                co_await bide::with_scope(options, [&](bide::scope& s) -> task<> {
                    s.start([]() -> task<> { co_await bide::yield_now(); });
                    co_return;
                });
            },
            std::ref(b));
        outer.start([]() -> task<> { co_await bide::yield_now(); });
    });
    EXPECT_EQ(a.taken(), 4);
    EXPECT_EQ(b.taken(), 2);
}

TEST(frame, C6_5_C19_2_frames_of_stopped_tasks_go_back) {
    const bide::testing::virtual_time time;
    const long before = bide::detail::frames_alive();
    ledger memory;
    bide::with_scope({.exit = bide::exit_mode::cancel, .memory = &memory}, [&](bide::scope& s) {
        for (int i = 0; i < 10; ++i)
            s.start(
                [](ledger& m) -> task<> {
                    auto held = lies_in(std::allocator_arg, &m, m);
                    co_await bide::sleep_for(1h);
                    co_await std::move(held);
                },
                std::ref(memory));
        bide::sleep_for(1s).wait();
        s.start([]() -> task<> { co_return; });  // never begins
    });
    EXPECT_EQ(memory.taken(), 31);
    EXPECT_EQ(memory.open(), 0);
    EXPECT_EQ(bide::detail::frames_alive(), before);
}

TEST(frame, C1_11_C19_2_frames_that_end_on_another_thread_go_back_to_where_they_came_from) {
    const support::watchdog here;
    ledger memory;
    bide::loop_thread worker;
    worker.start();
    for (int i = 0; i < 100; ++i) {
        auto made_here = lies_in(std::allocator_arg, &memory, memory);
        EXPECT_TRUE(worker.submit(std::move(made_here)).wait());  // ends there
    }
    bide::with_scope({.memory = &memory, .on = &worker.get_executor()}, [&](bide::scope& s) {
        for (int i = 0; i < 100; ++i)
            s.start([]() -> task<> { co_await bide::yield_now(); });  // node made here, frame there
    });
    worker.shutdown();
    EXPECT_EQ(memory.taken(), 300);
    EXPECT_EQ(memory.open(), 0);
}

TEST(frame, C1_11_frames_of_the_free_lists_may_be_freed_by_any_thread) {
    const support::watchdog here;
    // Made on one thread and destroyed on another, in both directions, also after the thread that made them is gone.
    const long before = bide::detail::frames_alive();
    constexpr int many = 5000;  // more than a thread keeps of one size
    support::life_count lives;
    std::vector<task<>> made;
    const auto idle = [](counted) -> task<> { co_return; };
    std::thread([&] {
        for (int i = 0; i < many; ++i) made.push_back(idle(counted(lives)));
    }).join();
    EXPECT_EQ(lives.alive, many);
    made.clear();
    for (int i = 0; i < many; ++i) made.push_back(idle(counted(lives)));
    std::thread([&] { made.clear(); }).join();
    EXPECT_EQ(lives.alive, 0);
    EXPECT_EQ(bide::detail::frames_alive(), before);
}

template <std::size_t N>
task<std::size_t> frame_of() {
    std::array<unsigned char, N> bytes{};
    bytes.fill(static_cast<unsigned char>(N % 251));
    co_await bide::yield_now();
    std::size_t same = 0;
    for (const unsigned char b : bytes) same += b == N % 251 ? 1U : 0U;
    co_return same;
}
template <std::size_t... N>
void check_sizes(std::index_sequence<N...>) {
    // Around the borders of the size classes, and beyond the biggest.
    auto all = bide::when_all(frame_of<16 * N + 1>()..., frame_of<16 * N + 1>()...).wait();
    std::size_t i = 0;
    const auto check = [&i](std::size_t n) { EXPECT_EQ(n, 16 * (i++ % sizeof...(N)) + 1); };
    std::apply([&check](auto... n) { (check(n), ...); }, all);
}

TEST(frame, C1_1_of_every_size) {
    for (int round = 0; round < 3; ++round) check_sizes(std::make_index_sequence<16>());
    EXPECT_EQ(frame_of<700>().wait(), 700U);
    EXPECT_EQ(frame_of<1000>().wait(), 1000U);
    EXPECT_EQ(frame_of<100'000>().wait(), 100'000U);
}

TEST(frame, C1_1_a_node_with_an_over_aligned_argument_is_aligned) {
    struct alignas(64) wide {
        std::array<char, 64> bytes{};
        [[nodiscard]] bool aligned() const { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
    };
    ledger memory;
    bool all = true;
    for (std::pmr::memory_resource* m :
         {static_cast<std::pmr::memory_resource*>(nullptr), static_cast<std::pmr::memory_resource*>(&memory)})
        bide::with_scope({.memory = m}, [&](bide::scope& s) {
            for (int i = 0; i < 4; ++i)
                s.start(
                    [](const wide& w, bool& ok) -> task<> {  // refers to the argument in the node
                        ok = ok && w.aligned();
                        co_await bide::yield_now();
                        ok = ok && w.aligned();
                    },
                    wide{}, std::ref(all));
        });
    EXPECT_TRUE(all);
}

}  // namespace
