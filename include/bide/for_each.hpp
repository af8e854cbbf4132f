// SPDX-License-Identifier: BSL-1.0
//
// for_each.hpp: loops over ranges whose parts the workers of a pool run at the same time.
//
//     bide::pool cores;
//     bide::for_each(cores, images, [](image& i) { i.sharpen(); }).wait();
//     co_await bide::for_each(cores, urls, [&](const std::string& u) -> bide::task<> { co_await fetch(u); });
//
//     double sum = co_await bide::transform_reduce(cores, values, 0.0, std::plus<>(), [](double x) { return x * x; });
//
// Without a pool the loop runs on the executor of the awaiting task: on a pool its parts run on several workers, on a
// loop all of them run on the loop's thread. The range is split into a few dozen parts, which are forks (pool.hpp); a
// part is split again whenever a worker has nothing to do. f is a plain function, or returns a task (or another
// awaitable), which the part awaits before its next element. transform_reduce joins results in the order of the range:
// the reduction has to be associative, and need not commute. The range has random access and a size.
//
// Both functions return a cold task, which is awaited or waited for once.
//
// Thread rule: several threads call the same f at the same time; f is not copied for each.
// Lifetime rule: a range that is given as an lvalue, and the elements to which a view refers, outlive the loop. A range
//   that is given as an rvalue lives in the task, as f does.
// Cancellation: a stop ends each part between two elements. The loop ends when every part has ended.
// Destructor: a task that never ran drops the range and f.
// Errors: the first failure in time stops the other parts, and is thrown when they have ended; later failures go to the
//   unhandled-error hook.
#pragma once

#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/combine/range_parts.hpp>
#include <bide/pool.hpp>

#include <utility>

namespace bide {
inline namespace v0 {

/// Calls f(element) for every element.
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

/// Gives reduce(…reduce(reduce(init, transform(first)), transform(second))…, transform(last)), in any grouping.
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
