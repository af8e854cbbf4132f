// SPDX-License-Identifier: BSL-1.0
//
// for_each.hpp: loops over ranges, on the workers of a pool.
//
//     bide::pool cores;
//     bide::for_each(cores, images, [](image& i) { i.sharpen(); }).wait();
//     co_await bide::for_each(cores, urls, [&](const std::string& u) -> bide::task<> { co_await fetch(u); });
//
//     double sum = co_await bide::transform_reduce(cores, values, 0.0, std::plus<>(), [](double x) { return x * x; });
//
// Without a pool the loop runs where the awaiting task does: on a pool in parallel, on a loop as forks of one thread.
// The range is split into a few dozen parts, which are forks (pool.hpp), and a part again whenever a worker has nothing
// to do. f is a plain function, or returns a task (or another awaitable), which is awaited before the next element of
// its part. transform_reduce joins in the order of the range: the reduction must be associative, it need not commute.
//
// Both give a task: cold, awaited once or waited for.
//
// Thread rule: f is called on several threads at the same time; it is shared, not copied.
// Lifetime rule: a range given as an lvalue, and what a view refers to, outlives the loop; one that was handed over
//   lives in the task, as f does.
// Cancellation: a stop ends the loop between two elements; what was begun is joined.
// Errors: the first failure in time stops the others, and is thrown when they have ended; later ones go to the
//   unhandled-error hook.
#pragma once

#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/combine/range_parts.hpp>
#include <bide/pool.hpp>

#include <utility>

namespace bide {
inline namespace v0 {

/// f(element) for every element.
template <detail::splittable R, class F>
    requires std::invocable<F&, std::ranges::range_reference_t<R>>
[[nodiscard]] task<> for_each(R&& range, F f) {
    return detail::for_each_on(nullptr, detail::loop_range<R>(std::forward<R>(range)), std::move(f));
}
template <detail::splittable R, class F>
    requires std::invocable<F&, std::ranges::range_reference_t<R>>
[[nodiscard]] task<> for_each(pool& on, R&& range, F f) {
    return detail::for_each_on(&on, detail::loop_range<R>(std::forward<R>(range)), std::move(f));
}

/// reduce(…reduce(reduce(init, transform(first)), transform(second))…, transform(last)), in any grouping.
template <detail::splittable R, class T, class Reduce, class Transform>
[[nodiscard]] task<T> transform_reduce(R&& range, T init, Reduce reduce, Transform transform) {
    return detail::transform_reduce_on(nullptr, detail::loop_range<R>(std::forward<R>(range)), std::move(init),
                                       std::move(reduce), std::move(transform));
}
template <detail::splittable R, class T, class Reduce, class Transform>
[[nodiscard]] task<T> transform_reduce(pool& on, R&& range, T init, Reduce reduce, Transform transform) {
    return detail::transform_reduce_on(&on, detail::loop_range<R>(std::forward<R>(range)), std::move(init),
                                       std::move(reduce), std::move(transform));
}

}  // namespace v0
}  // namespace bide
