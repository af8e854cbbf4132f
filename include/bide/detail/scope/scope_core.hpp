// SPDX-License-Identifier: BSL-1.0
//
// scope_core: the part of a scope that needs no templates. It is the task_node of a chain, which is the body's. Its
// stop state is the parent of the stop states of the scope's tasks, so one request reaches the body and everything that
// was started.
//
// Threads: any thread that starts into the scope calls adopt(), pin() and unpin(). The executor of a task calls ended()
// for it. The chain of the body calls the rest. One lock guards the counts and the lists.
//
// Lifetime (S1): an ending task takes itself off the count as its last act in the scope. The chain that waits for the
// end of the scope may destroy the scope as soon as the lock is given back, so a task touches nothing of it after that.
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/countdown.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/future/started.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/scope/scope_count.hpp>
#include <bide/scope_options.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

class scope_core;
inline constexpr wait_kind join_kind{"join of a scope", false, true};

/// What the scope and its scope_refs share. The first ref() makes it; it outlives the scope while a scope_ref does.
struct scope_door {
    countdown refs{1};
    spin_lock lock;
    scope_core* core BIDE_GUARDED_BY(lock);  // null: the scope has ended
    explicit scope_door(scope_core* c) noexcept : core(c) {}
    void drop() noexcept {
        if (refs.take_off()) delete this;
    }
};

class join_awaiter;

class scope_core final : public task_node, public child_end, public started_owner {
public:
    scope_core(const scope_options& o, const std::source_location& where) noexcept;
    ~scope_core();

    scope_options options;

    /// Links the scope into the task tree below `from`, the context of the code that opens it (null: plain code). A
    /// `shielded` scope inherits neither stop nor deadline: it is opened while the code around it unwinds.
    void open(executor& ex, const context* from, bool shielded = false) noexcept;

    void adopt(started_base& child) override BIDE_EXCLUDES(lock_);
    void ended(started_base& child, future_base& result, future_status how) noexcept override;

    // The kernel asks these two, through defer_body_unwind() and waits_for_tasks() in task_node.hpp.
    [[nodiscard]] bool defer_unwind(promise_base* leaf_frame) noexcept;
    [[nodiscard]] bool waits_for_tasks() noexcept;

    /// Keeps the scope open until unpin(): called around a start from outside. Returns false if the scope has ended.
    [[nodiscard]] bool pin() noexcept;
    void unpin() noexcept { take_off_count(); }
    [[nodiscard]] scope_door* door();

    /// Called by the chain of a coroutine's body, in the turn in which the body ended: the tasks learn now what that
    /// means for them. Tasks that are due would run before the awaiting frame is resumed and could tell them.
    template <class T>
    void body_ended(slot<T>& result) noexcept {
        if (result.state == outcome::failed)
            body_failed(result.take_error());
        else if (result.state == outcome::stopped)
            body_stopped();
        apply_exit_mode();
    }

    // The body's chain calls these at the end, in this order.
    void body_failed(std::exception_ptr error) noexcept;
    void body_stopped() noexcept;
    [[nodiscard]] bool body_has_failed() const noexcept { return body_error_ != nullptr; }
    void apply_exit_mode() noexcept;
    /// Returns true if all tasks have ended; the scope is closed then. Else the last task to end posts `waiting`.
    [[nodiscard]] bool close_or_wait(promise_base* waiting) noexcept;
    /// Throws what the scope throws. Returns true if the surrounding task was asked to stop, and has to pass that on.
    /// `deadline_passed`: its deadline has passed while its loop was blocked and could not ask it to stop.
    [[nodiscard]] bool conclude(bool deadline_passed = false);
    [[nodiscard]] bool close_if_ended() noexcept;
    [[nodiscard]] executor& where_tasks_run() const noexcept { return options.on != nullptr ? *options.on : *ctx.ex; }

private:
    friend class join_awaiter;
    [[gnu::noinline]] void ended_slowly(started_base& child, future_base& result, future_status how) noexcept;
    void take_off_count() noexcept BIDE_EXCLUDES(lock_);
    void close_door() noexcept;
    [[nodiscard]] std::exception_ptr group_of_failures() BIDE_REQUIRES(lock_);

    spin_lock lock_;
    started_list live_ BIDE_GUARDED_BY(lock_);    // unfinished, in start order
    started_list failed_ BIDE_GUARDED_BY(lock_);  // in the order of failing; each with a reference of ours
    scope_count<promise_base, leaf> count_ BIDE_GUARDED_BY(lock_);  // unfinished tasks and pins, and who waits for them
    std::uint64_t places_ BIDE_GUARDED_BY(lock_) = 0;
    bool body_unwinds_ BIDE_GUARDED_BY(lock_) =
        false;  // the body's frames are unwound: nothing holds them back any more
    bool body_stopped_ = false;
    bool waited_at_end_ = false;                          // tasks were unfinished when the body had ended
    bool cancelled_any_ BIDE_GUARDED_BY(lock_) = false;   // a task was cancelled, for whatever reason
    bool cancelled_some_ BIDE_GUARDED_BY(lock_) = false;  // the first failure ended something that was unfinished
    std::exception_ptr body_error_;
    std::exception_ptr unfinished_;
    std::atomic<scope_door*> door_{nullptr};
};

/// The leaf of join(): completed when everything that was started before it has ended.
class join_awaiter final : public leaf_awaiter<join_awaiter> {
public:
    join_awaiter(promise_base& p, scope_core& core);
    // Unanalyzed: abandon() takes the lock, which it knows by another name.
    ~join_awaiter() BIDE_UNANALYZED {
        abandon(core_.lock_, core_.count_.joining);
        BIDE_ASSERT(L2, !linked);
    }
    [[nodiscard]] bool try_now() noexcept;
    [[nodiscard]] bool park() noexcept;
    void await_resume() noexcept { completed(); }

private:
    friend class scope_core;
    [[nodiscard]] bool satisfied() const noexcept BIDE_REQUIRES(core_.lock_);
    scope_core& core_;
    std::uint64_t up_to_;
};

/// Waits for the end of the scope. It is no leaf and cannot be stopped: a stop request reaches the tasks, whose end
/// ends it.
class end_of_scope {
public:
    end_of_scope(promise_base& p, scope_core& core) noexcept : p_(p), core_(core) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept {
        chain_ = p_.ctx->owner;
        chain_->waits_at_end_of(core_);
        return !core_.close_or_wait(&p_);
    }
    void await_resume() const noexcept { chain_->resumes(); }

private:
    promise_base& p_;
    scope_core& core_;
    task_node* chain_ = nullptr;
};
struct end_of_scope_op {
    scope_core* core;
    explicit end_of_scope_op(scope_core& c) noexcept : core(&c) {}
    [[nodiscard]] end_of_scope native_awaiter(promise_base& p) const noexcept { return end_of_scope(p, *core); }
};
/// Gives the frame that awaits it, after its context was made (F2): the caller links a scope to that context.
struct this_frame_op {
    struct awaiter {
        promise_base* p;
        explicit awaiter(promise_base& frame) noexcept : p(&frame) {}
        [[nodiscard]] bool await_ready() const noexcept { return true; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        [[nodiscard]] promise_base* await_resume() const noexcept { return p; }
    };
    this_frame_op() noexcept = default;
    [[nodiscard]] awaiter native_awaiter(promise_base& p) const noexcept {
        materialize_context(&p);
        return awaiter(p);
    }
};

/// Runs the body's task as the chain of the scope, and calls body_ended() when it has ended. A value stays in `result`.
template <class T>
class body_awaiter {
public:
    body_awaiter(promise_base& p, scope_core& core, slot<T>& result) noexcept : p_(p), core_(core), result_(result) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept {
        core_.waiting_frame = &p_;
        core_.child_end::ended = &on_ended;
        thread_state& t = tls();
        task_node* const before =
            std::exchange(t.current, &core_);  // the body is a chain of its own from its first line
        const bool suspended = start_nested(result_.prepare(&core_, &core_.ctx, attached));
        t.current = before;
        if (!suspended) core_.body_ended(result_);  // K4: else nothing of this may be touched
        return suspended;
    }
    void await_resume() const noexcept {}

private:
    static void on_ended(child_end* self, slot_base* s) noexcept {
        BIDE_ASSERT(K6, (s->flags & attached) == 0);
        auto& core = static_cast<scope_core&>(*self);
        core.body_ended(static_cast<slot<T>&>(*s));
        post(core.waiting_frame, step::resume);
    }
    promise_base& p_;
    scope_core& core_;
    slot<T>& result_;
};
template <class T>
struct body_op {
    scope_core* core;
    slot<T>* result;
    body_op(scope_core& c, slot<T>& r) noexcept : core(&c), result(&r) {}
    [[nodiscard]] body_awaiter<T> native_awaiter(promise_base& p) const noexcept {
        return body_awaiter<T>(p, *core, *result);
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
