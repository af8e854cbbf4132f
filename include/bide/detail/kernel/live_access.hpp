// SPDX-License-Identifier: BSL-1.0
//
// live_access: the way into an executor's private members for bide's own code. It reaches the list of an executor's
// live tasks, and the list of all executors of the process, from which the debug view and the search for deadlocks
// begin.
#pragma once

#include <bide/executor.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

struct live_access {
    static live_list& of(executor& ex) noexcept { return ex.live_; }
    /// Calls f with the first of all executors, under the mutex of their list; after() gives the next one.
    static void visit(void (*f)(executor* first, void* with), void* with);
    static executor* after(const executor& ex) noexcept { return ex.next_; }
    [[nodiscard]] static bool is_loop(const executor& ex) noexcept { return ex.loop_ != nullptr; }
    /// The loop that `ex` is, or runs on; null for an executor that a user wrote.
    static loop* loop_of(const executor& ex) noexcept {
        const executor* at = &ex;
        while (at->loop_ == nullptr && at->base_ != nullptr) at = at->base_;
        return at->loop_;
    }

private:
    friend class bide::executor;
    static void enter(executor& ex) noexcept;
    static void leave(executor& ex) noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
