// SPDX-License-Identifier: BSL-1.0
//
// idle_loop_scope: the loop on which plain code of this thread waits.
#pragma once

#include <bide/detail/kernel/thread_state.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/loop.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

/// The loop on which plain code of this thread waits: the current one if it is not running, else a new one that is
/// made current. Restores the former one on destruction.
class idle_loop_scope {
public:
    idle_loop_scope() : idle_loop_scope(tls()) {}
    explicit idle_loop_scope(thread_state& here) : here_(here), before_(here.idle_loop), loop_(before_) {
        if (loop_ != nullptr && !loop_access::running(*loop_) && !loop_access::inherited(*loop_)) return;
        loop_ = here.cached_loop;
        if (loop_ != nullptr && loop_access::usable(*loop_)) [[likely]]
            here.cached_loop = nullptr;
        else
            make();
        made_ = true;
        here.idle_loop = loop_;
    }
    idle_loop_scope(const idle_loop_scope&) = delete;
    idle_loop_scope& operator=(const idle_loop_scope&) = delete;
    ~idle_loop_scope() {
        if (!made_) return;
        here_.idle_loop = before_;
        if (here_.cached_loop == nullptr && here_.caches_loops && loop_access::reusable(*loop_)) [[likely]]
            here_.cached_loop = loop_;
        else
            return_to_cache();
    }
    [[nodiscard]] loop& get() const noexcept { return *loop_; }

private:
    void make();
    void return_to_cache() noexcept;

    thread_state& here_;  // kept (T1): this object lives on the native stack of plain code, which stays on its thread
    loop* before_;
    loop* loop_;
    bool made_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
