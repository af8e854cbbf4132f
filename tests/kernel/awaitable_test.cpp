// SPDX-License-Identifier: BSL-1.0
//
// Which types satisfy the concept, and what type comes out: for bide's awaitables (1.1) and for those of others (1.10).
#include <bide/awaitable.hpp>
#include <bide/future.hpp>
#include <bide/task.hpp>
#include <bide/time.hpp>

#include <gtest/gtest.h>

#include <coroutine>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace {

using bide::await_result_t;
using bide::awaitable;
using bide::task;

struct three_functions {
    [[nodiscard]] bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    [[nodiscard]] int await_resume() const noexcept { return 3; }
};
struct with_member_operator {
    three_functions operator co_await() const noexcept { return {}; }
};
struct with_free_operator {};
three_functions operator co_await(const with_free_operator&) noexcept { return {}; }
struct without_suspend {
    [[nodiscard]] bool await_ready() const noexcept { return true; }
    [[nodiscard]] int await_resume() const noexcept { return 3; }
};
struct with_void_ready {
    void await_ready() const noexcept {}
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
};

template <awaitable A>
task<await_result_t<A>> through(A work) {
    co_return co_await std::move(work);
}

TEST(awaitable, C1_1_a_task_gives_its_own_type) {
    static_assert(awaitable<task<>>);
    static_assert(std::is_void_v<await_result_t<task<>>>);
    static_assert(std::is_same_v<await_result_t<task<int>>, int>);
    static_assert(std::is_same_v<await_result_t<task<int&>>, int&>);
    static_assert(std::is_same_v<await_result_t<task<std::unique_ptr<int>>>, std::unique_ptr<int>>);
    EXPECT_EQ(*through([](int n) -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(n); }(7)).wait(), 7);
}

TEST(awaitable, C1_1_operations_and_futures_are_awaitable) {
    static_assert(awaitable<decltype(bide::sleep_for(std::chrono::seconds(1)))>);
    static_assert(awaitable<bide::future<std::string>>);
    static_assert(awaitable<bide::future<std::string>&>);
    through(bide::sleep_for(std::chrono::seconds(0))).wait();
}

TEST(awaitable, C1_10_awaitables_of_others_give_what_await_resume_gives) {
    static_assert(std::is_same_v<await_result_t<three_functions>, int>);
    static_assert(std::is_same_v<await_result_t<with_member_operator>, int>);
    static_assert(std::is_same_v<await_result_t<with_free_operator>, int>);
    static_assert(std::is_void_v<await_result_t<std::suspend_always>>);
    EXPECT_EQ(through(three_functions()).wait(), 3);
    EXPECT_EQ(through(with_member_operator()).wait(), 3);
    EXPECT_EQ(through(with_free_operator()).wait(), 3);
}

TEST(awaitable, C1_10_what_lacks_an_awaiter_function_is_not_awaitable) {
    static_assert(!awaitable<int>);
    static_assert(!awaitable<std::string>);
    static_assert(!awaitable<void (*)()>);
    static_assert(!awaitable<without_suspend>);
    static_assert(!awaitable<with_void_ready>);
    static_assert(!awaitable<task<int> (*)()>);  // the function, and not its task
    SUCCEED();                                   // all of it is checked by the compiler
}

}  // namespace
