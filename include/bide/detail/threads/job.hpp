// SPDX-License-Identifier: BSL-1.0
//
// job: a call that runs on a thread of an elastic set. It is a chain of its own (task_node): code in the job finds the
// job's stop request, deadline and task-locals, and the wait graph sees the job's waits.
//
//     job<T, F, A…>         made by to_thread: owns the callable and its arguments. Its future may be dropped, so the job
//                           may outlive the submitting task, whose stop request it follows
//     joined_job<T, Body>   lives in the awaiting frame (run, to_async): the frame is resumed, or unwound, when the job
//                           has ended, and not before
//
// Who owns a job (J2): a worker, a stop request or a helping wait takes the unbegun job out of the queue under the
// set's mutex. That thread alone runs the job, or ends it unbegun. It destroys the callable before it publishes the
// result.
#pragma once

#include <bide/detail/base/counted_ptr.hpp>
#include <bide/detail/base/invoke.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/future/future_state.hpp>
#include <bide/detail/future/held_call.hpp>
#include <bide/detail/kernel/local_link.hpp>
#include <bide/detail/kernel/stop_follower.hpp>
#include <bide/detail/threads/thread_set.hpp>
#include <bide/future.hpp>
#include <bide/wait.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

class job_threads;
class loop_service;

class job_base : public task_node, public queued_job {
public:
    [[nodiscard]] bool unwanted() const noexcept final { return stop.requested(); }

    /// For the thread that owns the job: calls the callable and publishes the result. *this may be gone afterwards.
    void run() noexcept;
    /// For the thread that owns the unbegun job: ends it with the failure, or as cancelled if `failure` is null. *this
    /// may be gone afterwards.
    void end_unbegun(std::exception_ptr failure) noexcept;
    /// Returns the virtual clock of the test that submitted the job; null: real time.
    [[nodiscard]] const counted_ptr<virtual_clock>& clock() const noexcept { return clock_; }
    /// Returns true if this thread runs a job that `service` waits for.
    [[nodiscard]] static bool running_for(const loop_service& service) noexcept;

protected:
    explicit job_base(const std::source_location& where) noexcept;
    ~job_base();  // not inline, as the constructor is not: each type of callable makes a class of jobs

    /// Queues the job as a child of `from` (null: plain code). `ends_after`: that chain ends after the job.
    /// `may_end_before`: the job may outlive that chain. Throws not_running, system_error, usage_error (after a fork)
    /// and bad_alloc; then the job is not queued.
    enum class below : std::uint8_t { ends_after, may_end_before };
    void submit_to(job_threads& set, const context* from, below how);
    /// To be called before submit_to: `service` waits for the job when it ends. Throws not_running if it is ending
    /// already.
    void count_for(loop_service* service);
    void uncount() noexcept;
    /// For a future's wait: runs the unbegun job here if this thread belongs to the job's set. Returns true if it did
    /// so: the job has ended.
    [[nodiscard]] bool help() noexcept;

    virtual void call() = 0;  // puts the result into the slot
    virtual void drop_callable() noexcept = 0;
    [[nodiscard]] virtual slot_base& slot_of() noexcept = 0;
    virtual void set_failure(std::exception_ptr e) noexcept = 0;
    virtual void settle() noexcept = 0;    // slot::settle
    virtual void complete() noexcept = 0;  // publishes the result; the last call, after which *this may be gone

private:
    struct cancel_link final
        : stop_callback_link {  // the thread of a stop request takes the unbegun job out of the queue
        job_base& job;
        explicit cancel_link(job_base& j) noexcept : stop_callback_link(&cancel_link::take_out), job(j) {}
        static void take_out(stop_callback_link* self) noexcept;
    };
    void inherit_and_enlist(job_threads& set, const context* from, below how);
    void stop_listening() noexcept;
    void leave() noexcept;
    void conclude() noexcept;

    job_threads* set_ = nullptr;
    cancel_link cancel_;
    stop_follower follower_;
    locals_ref locals_;
    counted_ptr<virtual_clock> clock_;
    loop_service* counted_for_ = nullptr;
    job_base* outer_ = nullptr;  // the job in whose wait this one runs, on the same thread
    bool listening_ = false;
};

/// The type of a job's result: what the callable returns, or what its awaitable gives.
template <class R>
struct plain_result {  // an rvalue reference would dangle, a const value could not be moved out
    using type = std::conditional_t<std::is_lvalue_reference_v<R>, R, std::remove_cvref_t<R>>;
};
template <class F, class... A>
struct job_traits {
    static_assert(
        std::is_invocable_v<F, A...>,
        "bide: the callable cannot be called with these arguments (they are copied and passed as rvalues; use "
        "std::ref for a reference that outlives the job)");
    using returned = std::invoke_result_t<F, A...>;
    static auto result() {
        if constexpr (awaitable<returned>)
            return std::type_identity<await_result_t<returned>>();
        else
            return std::type_identity<typename plain_result<returned>::type>();
    }
    using type = typename decltype(result())::type;
};
template <awaitable F>
struct job_traits<F> {
    using type = await_result_t<F>;
};

/// Calls `f` and puts what it returns into the slot.
template <class T, class F>
void call_into(slot<T>& result, F&& f) {
    if constexpr (std::is_void_v<T>) {
        std::forward<F>(f)();
        result.emplace();
    } else if constexpr (std::is_reference_v<T>) {
        T bound = std::forward<F>(f)();
        result.emplace(std::addressof(bound));
    } else {
        result.emplace(std::forward<F>(f)());
    }
}

/// A job whose result, a T, is the result of a future.
template <class T>
class job_for : public with_result<job_for<T>, job_base>, public future_state<T> {
public:
    /// `service` stays until the job has ended; null: no service waits for the job.
    void submit(job_threads& set, loop_service* service) {
        this->add_ref();  // the job's own, given back in complete()
        try {
            this->count_for(service);
            this->submit_to(set, current_context(), job_base::below::may_end_before);
        } catch (...) {
            this->uncount();
            this->drop_ref();
            throw;
        }
    }

    void stop_producer(stop_reason why) noexcept final {
        if (!this->ready()) this->stop.request(why);
    }
    [[nodiscard]] task_node* producer() noexcept final { return this; }
    [[nodiscard]] bool run_now() noexcept final { return this->help(); }

protected:
    using with_result<job_for<T>, job_base>::with_result;
    [[gnu::noinline]] ~job_for() = default;

private:
    virtual void destroy_node() noexcept = 0;
    void destroy() noexcept final { destroy_node(); }
    void complete() noexcept final {
        const outcome how = this->result.state;
        if (how == outcome::stopped) this->set_why(this->stop.reason());
        this->publish(how == outcome::value    ? future_status::succeeded
                      : how == outcome::failed ? future_status::failed
                                               : future_status::cancelled);
        this->drop_ref();
    }
};

template <class T, class F, class... A>
class job final : public job_for<T> {
public:
    template <class G, class... B>
    explicit job(const std::source_location& where, G&& f, B&&... args)
        : job_for<T>(where), call_(std::in_place, std::forward<G>(f), std::forward<B>(args)...) {}
    ~job() {
        if (!this->ready()) call_.drop();  // the set refused the job
    }

private:
    held_call<F, A...> call_;

    void call() override {
        const std::source_location& where = this->started;
        std::apply(
            [&](F& f, A&... args) {
                call_into(this->result, [&]() -> decltype(auto) {
                    if constexpr (sizeof...(A) == 0 && awaitable<F>) {
                        return bide::wait(std::move(f), where);
                    } else if constexpr (awaitable<std::invoke_result_t<F, A...>>) {
                        return bide::wait(detail::invoke(std::forward<F>(f), std::forward<A>(args)...), where);
                    } else {
                        return detail::invoke(std::forward<F>(f), std::forward<A>(args)...);
                    }
                });
            },
            call_.get());
    }
    void drop_callable() noexcept override { call_.drop(); }
    void destroy_node() noexcept override { delete this; }
};

/// A job in an awaiting frame, which takes the result, a T.
template <class T>
class joined_job_for : public with_result<joined_job_for<T>, job_base> {
public:
    slot<T> result;

    /// Detaches the frame and queues the job. If the job cannot be queued it fails, and the frame is resumed. The frame
    /// may be gone when this returns.
    void submit_for(promise_base& waiting, job_threads& set) noexcept {
        waiting_ = &waiting;
        detach(&waiting);
        try {
            this->submit_to(set, waiting.ctx, job_base::below::ends_after);
        } catch (...) {
            result.fail(std::current_exception());
            complete();
        }
    }

protected:
    using with_result<joined_job_for<T>, job_base>::with_result;
    ~joined_job_for() = default;

private:
    void drop_callable() noexcept final {}  // the awaiting frame owns the callable, and outlives the job
    // Only the awaiting chain's stop request reaches the job: if the job was stopped, the frame is to be unwound.
    void complete() noexcept final { post(waiting_, result.state == outcome::stopped ? step::unwind : step::resume); }

    promise_base* waiting_ = nullptr;
};

template <class T, class Body>
class joined_job final : public joined_job_for<T> {
public:
    joined_job(const std::source_location& where, Body& body) noexcept : joined_job_for<T>(where), body_(body) {}

private:
    void call() override { call_into(this->result, body_); }

    Body& body_;
};

template <class T, class Body>
class joined_job_awaiter {
public:
    joined_job_awaiter(promise_base& p, job_threads& set, const std::source_location& where, Body& body) noexcept
        : p_(p), set_(set), job_(where, body) {}
    joined_job_awaiter(const joined_job_awaiter&) = delete;
    joined_job_awaiter& operator=(const joined_job_awaiter&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept {
        promise_base& p = p_;            // the frame may be gone when the job is queued
        if (p.ctx->stop->requested()) {  // L3
            detach(&p);
            post(&p, step::unwind);
        } else {
            job_.submit_for(p, set_);
        }
        return true;
    }
    T await_resume() { return job_.result.take(); }

private:
    promise_base& p_;
    job_threads& set_;
    joined_job<T, Body> job_;
};

template <class T, class Body>
class joined_job_op {
public:
    joined_job_op(job_threads& set, const std::source_location& where, Body& body) noexcept
        : set_(&set), where_(where), body_(&body) {}
    [[nodiscard]] joined_job_awaiter<T, Body> native_awaiter(promise_base& p) const noexcept {
        return joined_job_awaiter<T, Body>(p, *set_, where_, *body_);
    }

private:
    job_threads* set_;
    std::source_location where_;
    Body* body_;
};

/// The coroutine's frame owns the callable and its arguments. The job's thread uses them; the frame destroys them on
/// the executor of the awaiting task.
template <class T, class F, class... A>
task<T> run_on_thread(job_threads& set, std::source_location where, F f, A... args) {
    auto body = [&]() -> T { return detail::invoke(std::move(f), std::move(args)...); };
    co_return co_await joined_job_op<T, decltype(body)>(set, where, body);
}

[[noreturn]] void throw_null_callable();
template <class F>
void need_callable(const F& f) {
    if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>) {
        if (f == nullptr) throw_null_callable();
    } else if constexpr (std::is_constructible_v<F, std::nullptr_t> && requires { static_cast<bool>(f == nullptr); }) {
        if (f == nullptr) throw_null_callable();  // std::function and the like; lambdas are never null
    }
}

template <class F, class... A>
auto submit_job_of(loop_service* service, job_threads& set, const std::source_location& where, F&& f, A&&... args) {
    using T = typename job_traits<std::decay_t<F>, std::decay_t<A>...>::type;
    need_callable(f);
    auto* n = new job<T, std::decay_t<F>, std::decay_t<A>...>(where, std::forward<F>(f), std::forward<A>(args)...);
    future<T> result(n);
    n->submit(set, service);
    return result;
}
template <class F, class... A>
auto submit_job(job_threads& set, const std::source_location& where, F&& f, A&&... args) {
    return submit_job_of(nullptr, set, where, std::forward<F>(f), std::forward<A>(args)...);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
