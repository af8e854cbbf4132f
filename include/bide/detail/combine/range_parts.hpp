// SPDX-License-Identifier: BSL-1.0
//
// The parts of a parallel loop (for_each.hpp). A part is halved by a fork until it is small against the whole range.
// Then the task of the part visits its elements in steps, and between two steps halves the rest if a worker has nothing
// to do.
#pragma once

#include <bide/combine.hpp>
#include <bide/detail/base/invoke.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/kernel/resume_on.hpp>
#include <bide/detail/pool/fork.hpp>
#include <bide/detail/pool/fork_stack.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

template <class R>
concept splittable =
    std::ranges::random_access_range<R> && std::ranges::sized_range<R> && std::ranges::viewable_range<R>;

/// The range while the loop runs. A view, and a container that was moved in, are stored by value; another range is
/// referred to. std::views::all does the same, and needs the header of all views.
template <class R>
class loop_range {
    static constexpr bool elsewhere = std::is_lvalue_reference_v<R> && !std::ranges::view<std::remove_cvref_t<R>>;
    using range = std::conditional_t<elsewhere, std::remove_reference_t<R>, std::remove_cvref_t<R>>;

public:
    using iterator = std::ranges::iterator_t<range>;

    explicit loop_range(R&& from) : held_(as_stored(std::forward<R>(from))) {}
    [[nodiscard]] range& get() noexcept {
        if constexpr (elsewhere)
            return *held_;
        else
            return held_;
    }

private:
    static decltype(auto) as_stored(R&& from) noexcept {
        if constexpr (elsewhere)
            return std::addressof(from);
        else
            return std::forward<R>(from);
    }
    std::conditional_t<elsewhere, range*, range> held_;
};

inline constexpr std::ptrdiff_t parts_at_first = 64;

/// How many elements a part visits before it looks for idle workers again: as many as take 5 to 20 µs.
class step_size {
public:
    using clock = std::chrono::steady_clock;
    [[nodiscard]] std::ptrdiff_t next(std::ptrdiff_t left) noexcept {
        begun_ = clock::now();
        return left < n_ ? left : n_;
    }
    void done() noexcept {
        const clock::duration took = clock::now() - begun_;
        if (took < std::chrono::microseconds(5)) {
            if (n_ < (std::ptrdiff_t{1} << 20)) n_ *= 2;
        } else if (took > std::chrono::microseconds(20) && n_ > 1) {
            n_ /= 2;
        }
    }

private:
    std::ptrdiff_t n_ = 1;
    clock::time_point begun_;
};

template <class It, class F>
struct loop_body {
    It first;
    F& f;
    std::ptrdiff_t small;  // a part of this size is halved only if a worker has nothing to do
    loop_body(It at, F& fn, std::ptrdiff_t n) : first(at), f(fn), small(n > parts_at_first ? n / parts_at_first : 1) {}
    [[nodiscard]] decltype(auto) call(std::ptrdiff_t i) const {
        return detail::invoke(f, first[static_cast<std::iter_difference_t<It>>(i)]);
    }
};

template <class It, class F>
task<> for_part(const loop_body<It, F>& body, std::ptrdiff_t from, std::ptrdiff_t to) {
    constexpr bool waits = awaitable<std::invoke_result_t<F&, std::iter_reference_t<It>>>;
    step_size steps;
    bool halve = to - from > body.small;
    while (from < to) {
        if (halve) {
            const std::ptrdiff_t middle = from + (to - from) / 2;
            co_await when_all(for_part(body, from, middle), for_part(body, middle, to));
            co_return;
        }
        co_await stop_point_op();
        const std::ptrdiff_t until = from + steps.next(to - from);
        for (; from < until; ++from) {
            if constexpr (waits)
                co_await body.call(from);
            else
                static_cast<void>(body.call(from));
        }
        steps.done();
        halve = to - from > 1 && somebody_hungry();
    }
}

template <class V, class F>
task<> for_each_on(executor* on, V range, F f) {
    if (on != nullptr) co_await resume_on_op(*on);
    const auto n = static_cast<std::ptrdiff_t>(std::ranges::size(range.get()));
    const loop_body<typename V::iterator, F> body(std::ranges::begin(range.get()), f, n);
    co_await for_part(body, 0, n);
}

template <class T, class It, class Reduce, class F>
task<T> reduce_part(const loop_body<It, F>& body, Reduce& reduce, std::ptrdiff_t from, std::ptrdiff_t to) {
    constexpr bool waits = awaitable<std::invoke_result_t<F&, std::iter_reference_t<It>>>;
    step_size steps;
    std::optional<T> sum;
    bool halve = to - from > body.small;
    while (from < to) {
        if (halve) {
            const std::ptrdiff_t middle = from + (to - from) / 2;
            auto [a, b] =
                co_await when_all(reduce_part<T>(body, reduce, from, middle), reduce_part<T>(body, reduce, middle, to));
            T both = detail::invoke(reduce, std::move(a), std::move(b));
            if (sum)
                *sum = detail::invoke(reduce, std::move(*sum), std::move(both));
            else
                sum.emplace(std::move(both));
            break;
        }
        co_await stop_point_op();
        const std::ptrdiff_t until = from + steps.next(to - from);
        for (; from < until; ++from) {
            if constexpr (waits) {
                auto one = co_await body.call(from);
                if (sum)
                    *sum = detail::invoke(reduce, std::move(*sum), std::move(one));
                else
                    sum.emplace(std::move(one));
            } else if (sum) {
                *sum = detail::invoke(reduce, std::move(*sum), body.call(from));
            } else {
                sum.emplace(body.call(from));
            }
        }
        steps.done();
        halve = to - from > 1 && somebody_hungry();
    }
    co_return std::move(*sum);
}

template <class V, class T, class Reduce, class F>
task<T> transform_reduce_on(executor* on, V range, T init, Reduce reduce, F transform) {
    if (on != nullptr) co_await resume_on_op(*on);
    const auto n = static_cast<std::ptrdiff_t>(std::ranges::size(range.get()));
    if (n == 0) co_return std::move(init);
    const loop_body<typename V::iterator, F> body(std::ranges::begin(range.get()), transform, n);
    T sum = co_await reduce_part<T>(body, reduce, 0, n);
    co_return detail::invoke(reduce, std::move(init), std::move(sum));
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
