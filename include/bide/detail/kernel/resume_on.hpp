// SPDX-License-Identifier: BSL-1.0
//
// How a coroutine moves to another executor.
#pragma once

#include <bide/detail/kernel/kernel.hpp>
#include <bide/detail/kernel/task_node.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/executor.hpp>

#include <coroutine>

namespace bide {
inline namespace v0 {
namespace detail {

class resume_on_awaiter {
public:
    resume_on_awaiter(promise_base& p, executor& ex) noexcept : p_(&p), ex_(&ex) {}
    resume_on_awaiter(const resume_on_awaiter&) = delete;
    resume_on_awaiter& operator=(const resume_on_awaiter&) = delete;

    [[nodiscard]] bool await_ready() const noexcept {
        return p_->ctx->ex == ex_ && !p_->ctx->stop->requested() && --tls().credits != 0;
    }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) {
        promise_base* const p = p_;
        step what = step::unwind;
        if (!p->ctx->stop->requested()) {  // a task that is to end ends where it is
            materialize_context(p);
            p->ctx = p->ctx->on(*ex_);  // may throw: before anything has happened
            task_node& chain = *p->ctx->owner;
            if (!chain.migrates) chain.migrates = true;  // once, at home: others only read it
            what = step::resume;
        }
        detach(p);
        post(p, what);
        return true;
    }
    void await_resume() const noexcept {}

private:
    promise_base* p_;
    executor* ex_;
};

class [[nodiscard("resume_on moves the coroutine that awaits it")]] resume_on_op {
public:
    explicit resume_on_op(executor& ex) noexcept : ex_(&ex) {}
    [[nodiscard]] resume_on_awaiter native_awaiter(promise_base& p) const noexcept { return {p, *ex_}; }

private:
    executor* ex_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
