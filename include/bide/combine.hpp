// SPDX-License-Identifier: BSL-1.0
//
// combine.hpp: functions that await several items at once.
//
//     auto [page, size] = co_await bide::when_all(fetch(url), measure(file));        // a tuple, in this order
//     std::vector<int> all = co_await bide::when_all(std::move(tasks));              // of a range: a vector
//
//     when_all          returns every value; or throws the first failure in time, after it has stopped and joined the others
//     when_all_settled  returns every outcome (settled.hpp): value, failure or cancelled
//     first_success     returns the first value and skips failures before it; if every item fails, throws the first failure
//     race              returns the first value, or throws the first failure, whichever comes first
//
// Items are tasks (or other awaitables) and futures, or one range of them. A task is started, in the order of the
// arguments, and is stopped and joined when its result is not needed any more. A future is observed: its producer is
// never stopped. A void result is std::monostate in a tuple, vector or variant.
//
// first_success and race return T if every item has the result type T (void stays void). Else they return a
// std::variant with one alternative for each item, in the order of the items: its index tells which item won. On a
// loop, items whose results are ready at the start are looked at in the order of their indices. Items that have to be
// begun first, tasks above all, win in the order in which they end; tasks that end in the same turn of a loop win in
// the order in which the loop resumes them. On a pool the first item to end wins, whatever its index.
//
// Thread rule: the returned awaitables are values; any task may await them, and plain code may call .wait(). Items run
//   on the executor of the awaiting task; on a pool when_all may run them on several workers at a time (pool.hpp).
// Lifetime rule: the returned awaitable owns its items. Of a future that is given as an lvalue it owns a copy of the
//   handle, and the value is copied.
// Cancellation: the awaiting task's stop request reaches every item. When every item has ended, the awaiting task
//   unwinds, unless its result was decided before. A task that has lost a race is stopped; a value that the task has
//   received meanwhile is dropped with it.
// Destructor: an awaitable that was never awaited drops its items, which never run.
// Errors: as above. An observed future that was cancelled counts as a failure, `cancelled`. Later failures of other
//   items go to the unhandled-error hook. first_success and race without items throw std::invalid_argument.
#pragma once

#include <bide/detail/combine/combined.hpp>
#include <bide/detail/combine/forked.hpp>
#include <bide/detail/combine/forked_range.hpp>
#include <bide/settled.hpp>

#include <tuple>
#include <utility>

namespace bide {
inline namespace v0 {

/// Gives all values, in the order of the items.
template <awaitable... A>
[[nodiscard]] auto when_all(A&&... items) {
    return detail::fork_all(std::forward<A>(items)...);
}
template <detail::range_of_items R>
[[nodiscard]] auto when_all(R&& items) {
    return detail::fork_all_of(std::forward<R>(items));
}

/// Gives all outcomes, as settled<T>, in the order of the items.
template <awaitable... A>
[[nodiscard]] auto when_all_settled(A&&... items) {
    return detail::combine<detail::completion_rule::settled>(std::forward<A>(items)...);
}
template <detail::range_of_items R>
[[nodiscard]] auto when_all_settled(R&& items) {
    return detail::combine_range<detail::completion_rule::settled>(std::forward<R>(items));
}

/// Gives the first value, and skips failures.
template <awaitable... A>
[[nodiscard]] auto first_success(A&&... items) {
    if constexpr (sizeof...(A) == 0)
        return detail::nothing_to_race("first_success");
    else
        return detail::combine<detail::completion_rule::first_success>(std::forward<A>(items)...);
}
template <detail::range_of_items R>
[[nodiscard]] auto first_success(R&& items) {
    return detail::combine_range<detail::completion_rule::first_success>(std::forward<R>(items));
}

/// Gives what the first item to end has given: its value or its failure.
template <awaitable... A>
[[nodiscard]] auto race(A&&... items) {
    if constexpr (sizeof...(A) == 0)
        return detail::nothing_to_race("race");
    else
        return detail::combine<detail::completion_rule::race>(std::forward<A>(items)...);
}
template <detail::range_of_items R>
[[nodiscard]] auto race(R&& items) {
    return detail::combine_range<detail::completion_rule::race>(std::forward<R>(items));
}

}  // namespace v0
}  // namespace bide
