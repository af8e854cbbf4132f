// SPDX-License-Identifier: BSL-1.0
//
// combine.hpp: await several at once.
//
//     auto [page, size] = co_await bide::when_all(fetch(url), measure(file));        // a tuple, in this order
//     std::vector<int> all = co_await bide::when_all(std::move(tasks));              // of a range: a vector
//
//     when_all          every value; or the first failure in time, after the others were stopped and have ended
//     when_all_settled  every outcome: value, failure or cancelled
//     first_success     the first value; failures before it are skipped. If all fail: the first failure
//     race              the first end, value or failure
//
// Items are tasks (or other awaitables) and futures. A task is started, in the order of the arguments, and is stopped
// and joined when it is not needed any more; a future is only observed, and left alone. void gives std::monostate.
// first_success and race give T if all items do (then void stays void), else a std::variant with one alternative per
// item, in their order: its index says who it was. When several end at the same time, the lowest index comes first.
//
// Thread rule: the awaitables are values; await them anywhere, in plain code .wait(). Items run on the executor of the
//   task that awaits.
// Lifetime rule: each holds its items; futures given as lvalues by copy of the handle, and their values are copied.
// Cancellation: the awaiting task's stop reaches every item; when all have ended it goes on outwards.
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

/// All values; in order.
template <awaitable... A>
[[nodiscard]] auto when_all(A&&... items) {
    return detail::fork_all(std::forward<A>(items)...);
}
template <detail::range_of_items R>
[[nodiscard]] auto when_all(R&& items) {
    return detail::fork_all_of(std::forward<R>(items));
}

/// All outcomes (settled<T>), in order.
template <awaitable... A>
[[nodiscard]] auto when_all_settled(A&&... items) {
    return detail::combine<detail::completion_rule::settled>(std::forward<A>(items)...);
}
template <detail::range_of_items R>
[[nodiscard]] auto when_all_settled(R&& items) {
    return detail::combine_range<detail::completion_rule::settled>(std::forward<R>(items));
}

/// The first value; skips failures.
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

/// The first end.
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
