// SPDX-License-Identifier: BSL-1.0
//
// What stands for a piece of the standard library in bide's headers, because that would be dear to include.
#include <bide/detail/base/counted_ptr.hpp>
#include <bide/detail/base/invoke.hpp>
#include <bide/detail/base/owned_ptr.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace {

using bide::detail::counted_ptr;
using bide::detail::owned_ptr;

struct point {
    int x = 1;
    int plus(int n) const noexcept { return x + n; }
    std::string name() && { return "gone"; }
};

TEST(invoke, calls_what_std_invoke_calls) {
    point p;
    const auto own = std::make_unique<point>();
    EXPECT_EQ(bide::detail::invoke([](int a, int b) { return a * b; }, 6, 7), 42);
    EXPECT_EQ(bide::detail::invoke(&point::plus, p, 2), 3);
    EXPECT_EQ(bide::detail::invoke(&point::plus, &p, 2), 3);
    EXPECT_EQ(bide::detail::invoke(&point::plus, own, 2), 3);
    EXPECT_EQ(bide::detail::invoke(&point::plus, std::ref(p), 2), 3);
    EXPECT_EQ(bide::detail::invoke(&point::name, point()), "gone");
    bide::detail::invoke(&point::x, p) = 5;
    bide::detail::invoke(&point::x, std::ref(p)) += 1;
    EXPECT_EQ(p.x, 6);
    int calls = 0;
    bide::detail::invoke([&] { ++calls; });
    const std::function<int(int)> twice = [](int n) { return 2 * n; };
    EXPECT_EQ(bide::detail::invoke(twice, 4), 8);
    EXPECT_EQ(calls, 1);
}

TEST(invoke, gives_the_very_type_and_says_what_may_throw) {
    point p;
    static_assert(std::is_same_v<decltype(bide::detail::invoke(&point::x, p)), int&>);
    static_assert(std::is_same_v<decltype(bide::detail::invoke(&point::x, point())), int&&>);
    static_assert(noexcept(bide::detail::invoke(&point::plus, p, 1)));
    static_assert(!noexcept(bide::detail::invoke(&point::name, point())));
    const auto cannot_move = [] { return std::integral_constant<int, 3>(); };
    EXPECT_EQ(bide::detail::invoke(cannot_move), 3);
}

struct base : bide::detail::counted {
    explicit base(int& e) noexcept : ends(e) {}
    virtual ~base() { ++ends; }
    int& ends;
};
struct derived final : base {
    using base::base;
};

TEST(counted_ptr, the_last_owner_deletes) {
    int ends = 0;
    {
        counted_ptr<const base> outer;
        EXPECT_FALSE(outer);
        {
            const auto made = bide::detail::make_counted<derived>(ends);
            outer = made;
            EXPECT_TRUE(outer == counted_ptr<const base>(made));
            counted_ptr<const base> moved = std::move(outer);
            EXPECT_FALSE(outer);  // NOLINT(bugprone-use-after-move): that is what is looked at
            outer = moved;
            outer = *&outer;
        }
        EXPECT_EQ(ends, 0);
        EXPECT_TRUE(outer);
    }
    EXPECT_EQ(ends, 1);
}

TEST(owned_ptr, deletes_what_it_has) {
    int ends = 0;
    {
        owned_ptr<base> p = bide::detail::make_owned<derived>(ends);
        p = bide::detail::make_owned<derived>(ends);
        EXPECT_EQ(ends, 1);
        owned_ptr<base> q = std::move(p);
        EXPECT_FALSE(p);  // NOLINT(bugprone-use-after-move): that is what is looked at
        const std::unique_ptr<base> taken(q.release());
        EXPECT_FALSE(q);
        EXPECT_EQ(ends, 1);
    }
    EXPECT_EQ(ends, 2);
}

}  // namespace
