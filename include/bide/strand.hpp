// SPDX-License-Identifier: BSL-1.0
//
// strand: what runs in it, runs one at a time; what waits in it, lets the others in. With a strand, shared data needs
// no lock between two waits, in coroutines and in threads alike.
//
//     bide::strand s;                                  // tasks submitted to it run on bide's background loop
//     s.submit(update, x);                             // a task of the strand; or scope_options::on = &s
//     { auto inside = s.enter().wait(); ++count; }     // plain code on any thread
//     { auto inside = co_await s.enter(); ++count; }   // a task of any executor, which stays on its own
//     int n = co_await s.run(f, args…);                // enter, call f (plain or a task), leave
//
// Whoever suspends or wait()s in the strand leaves it meanwhile and comes back, first come, first served; the exception
// is whoever stands on a loop (wait() in a task): it goes before what only that loop could run. Whoever blocks outside
// bide keeps it. A place that was given to an executor which does not take it within 100 ms may be taken by a thread
// that comes back. Thread rule: every member from any thread. A guard of enter().wait() belongs to its thread and to
//   plain code; that of co_await enter() to its coroutine, as a local variable; neither can be moved.
// Lifetime rule: the strand outlives its guards and tasks; its base outlives the strand.
// Cancellation: one that waits to be let in and is asked to stop leaves the queue.
// Destructor: asks the submitted tasks to stop and waits until they have ended; where it stands in the way of that
//   itself (on the base's own thread) it ends the program with a message.
// Errors: would_deadlock for entering a strand that one is in, and for waits in it that only it could end.
#pragma once

#include <bide/detail/base/invoke.hpp>
#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/base/owned_ptr.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/base/two_way_list.hpp>
#include <bide/detail/deadlock/wait_graph.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/future.hpp>
#include <bide/loop.hpp>
#include <bide/task.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

class strand;

namespace detail {

inline constexpr wait_kind strand_kind{"strand"};

class strand_signal;  // in src/loop/strand.cpp

/// Somebody who wants in; all fields under the strand's mutex.
struct strand_entry : call_node {
    strand_entry* prev = nullptr;
    strand_entry* next = nullptr;
    bool linked = false;
    bool posted = false;       // its node is in the queue of `on`
    std::uint64_t ticket = 0;  // as many posted nodes go before it
    executor* ex = nullptr;    // where it runs when it is let in; null: a thread that is blocked until then
    leaf* waiting = nullptr;   // to be claimed before it is let in; it may have been stopped
    bool admitted = false;     // a blocked thread: it is its turn
    strand_signal* wake = nullptr;
    explicit strand_entry(void (*run)(call_node*) noexcept) noexcept : call_node(run) {}
};

/// While code runs in the strand on this thread: a wait() leaves it.
class strand_stay final : public blocking_region {
public:
    explicit strand_stay(strand& s) noexcept;
    strand_stay(const strand_stay&) = delete;
    strand_stay& operator=(const strand_stay&) = delete;
    ~strand_stay() { leave(); }
    void leave() noexcept;  // idempotent; gives the strand up
    void forget() noexcept { strand_ = nullptr; }
    [[nodiscard]] bool left() const noexcept { return strand_ == nullptr; }
    [[nodiscard]] const strand* where() const noexcept { return strand_; }
    void begin_blocking() noexcept override;
    void end_blocking() noexcept override;

private:
    friend class bide::strand;
    void unlink() noexcept;
    strand* strand_;
    thread_state& thread_;
    loop* blocked_loop_;                // the loop that stands still while we wait
    strand_stay* next_stay_ = nullptr;  // under the strand's mutex
    executor* running_before_;
};

/// A coroutine of another executor in the strand: its frame is posted here, and runs on its own executor when the
/// strand lets it in.
class strand_member final : public executor, public strand_entry {
public:
    strand_member(strand& s, promise_base& p) noexcept;
    ~strand_member() override { retire(); }
    void post(ready_node& node) noexcept override;
    loop& carrier() noexcept override { return ex->carrier(); }
    [[nodiscard]] const char* name() const noexcept override { return "strand"; }

    strand& owner;
    context inside;
    ready_node* first = nullptr;  // under the strand's mutex
    ready_node* last = nullptr;
    bool busy = false;
    wait_edge* edge = nullptr;
    strand_stay* stay = nullptr;

private:
    static void on_turn(call_node* self) noexcept;
};

class strand_awaiter;
class strand_thread_awaiter;

}  // namespace detail

class strand final : public executor {
public:
    /// Ends the stay in the strand with its life.
    class [[nodiscard]] guard {
    public:
        guard(const guard&) = delete;
        guard& operator=(const guard&) = delete;
        ~guard();

    private:
        friend class detail::strand_awaiter;
        friend class strand;
        guard(detail::owned_ptr<detail::strand_member> m, detail::promise_base& p, detail::context* outside) noexcept;
        explicit guard(strand& s) noexcept;
        detail::owned_ptr<detail::strand_member> member_;  // a coroutine's
        detail::promise_base* frame_ = nullptr;
        detail::context* outside_ = nullptr;
        std::optional<detail::strand_stay> stay_;  // a thread's
    };

    /// What enter() gives.
    class enter_op {
    public:
        explicit enter_op(strand& s) noexcept : strand_(&s) {}
        [[nodiscard]] detail::strand_awaiter native_awaiter(detail::promise_base& p) const;
        guard wait(std::source_location where = std::source_location::current()) const;

    private:
        strand* strand_;
    };

    /// Tasks submitted to it run on bide's background loop.
    strand();
    explicit strand(executor& base);
    ~strand() override;

    void post(ready_node& node) noexcept override;
    loop& carrier() noexcept override { return base_.carrier(); }
    [[nodiscard]] const char* name() const noexcept override { return "strand"; }

    /// Hands f(args…) or an awaitable to the strand, on its base; from any thread.
    BIDE_DETAIL_SUBMIT_OVERLOADS(submit, submit_at)

    /// Let in, first come, first served: co_await s.enter() in a coroutine, s.enter().wait() in plain code.
    [[nodiscard]] enter_op enter() noexcept { return enter_op(*this); }

    /// Enters, calls f(args…) on the caller's executor, and leaves with the result.
    template <class F, class... A>
    [[nodiscard]] auto run(F f, A... args) {
        using R = std::invoke_result_t<F, A...>;
        if constexpr (awaitable<R>)
            return run_task<await_result_t<R>>(*this, std::move(f), std::move(args)...);
        else
            return run_plain<R>(*this, std::move(f), std::move(args)...);
    }

private:
    friend class detail::strand_stay;
    friend class detail::strand_member;
    friend class detail::strand_awaiter;
    friend class detail::strand_thread_awaiter;
    enum class state : std::uint8_t { idle, reserved, held };

    template <class R, class F, class... A>
    static task<R> run_task(strand& s, F f, A... args) {
        auto inside = co_await s.enter();
        auto work = detail::invoke(std::move(f), std::move(args)...);
        co_return co_await std::move(work);
    }
    template <class R, class F, class... A>
    static task<R> run_plain(strand& s, F f, A... args) {
        auto inside = co_await s.enter();
        co_return detail::invoke(std::move(f), std::move(args)...);
    }
    template <class F, class... A>
    auto submit_at(const std::source_location& where, F&& f, A&&... args) {
        return detail::submit_started(*this, &work_, where, std::forward<F>(f), std::forward<A>(args)...);
    }
    static void on_turn(detail::call_node* self) noexcept;
    void need_outside(const std::source_location& where) const;
    void queue(detail::strand_entry& e) noexcept;  // under m_
    void insert_before(detail::strand_entry& e, detail::strand_entry* x) noexcept;
    void unlink(detail::strand_entry& e) noexcept;
    void park(detail::leaf& l, detail::strand_entry& e) noexcept;
    [[nodiscard]] detail::strand_entry* reserve(detail::strand_entry& e) noexcept;
    void revoke() noexcept;
    [[nodiscard]] detail::strand_entry* admit_next() noexcept;
    [[nodiscard]] detail::strand_entry* admit_if_idle() noexcept;
    static void send(detail::strand_entry* e) noexcept;
    [[nodiscard]] bool begin(detail::strand_entry& e) noexcept;
    void leave() noexcept;
    void begin_stay(detail::strand_stay& stay) noexcept;
    void rejoin(detail::strand_stay& stay) noexcept;
    [[nodiscard]] bool can_run(const executor* on) const noexcept;
    void withdraw(detail::strand_entry& e) noexcept;
    [[nodiscard]] bool try_enter() noexcept;
    void run_turn(ready_node& node, const detail::strand_stay& stay, const executor& of, executor& on) noexcept;

    struct pump final : detail::strand_entry {  // the posted nodes, one for each turn
        strand& owner;
        explicit pump(strand& s) noexcept : strand_entry(&strand::on_turn), owner(s) {}
    };

    executor& base_;
    detail::os_mutex m_;
    state state_ = state::idle;
    detail::strand_signal* ended_ = nullptr;  // the destructor waits for it; under m_
    detail::strand_entry* reserved_ = nullptr;
    std::atomic<executor*> reserved_on_{nullptr};  // written under m_; relaxed: a hint for the wait graph
    detail::two_way_list<detail::strand_entry, &detail::strand_entry::prev, &detail::strand_entry::next> entries_;
    detail::strand_stay* stays_ = nullptr;  // who wait()s in the strand: what needs their threads cannot run
    ready_node* first_ = nullptr;           // posted nodes
    ready_node* last_ = nullptr;
    std::uint64_t pushed_ = 0;
    std::uint64_t begun_ = 0;
    pump pump_;
    const std::uint64_t id_;
    detail::submitted_work work_{"this strand"};
};

namespace detail {

class strand_awaiter final : public owned_leaf<strand_awaiter> {
public:
    strand_awaiter(promise_base& p, strand& s);
    strand_awaiter(const strand_awaiter&) = delete;
    strand_awaiter& operator=(const strand_awaiter&) = delete;
    ~strand_awaiter();
    [[nodiscard]] bool try_now() const noexcept { return false; }  // a stay ends at a suspension: it begins with one
    [[nodiscard]] bool park() noexcept;
    [[nodiscard]] strand::guard await_resume();
    [[nodiscard]] wait_target target() const noexcept;

private:
    strand& strand_;
    promise_base* const frame_;
    context* const outside_;
    owned_ptr<strand_member> member_;
};

}  // namespace detail

inline detail::strand_awaiter strand::enter_op::native_awaiter(detail::promise_base& p) const {
    return detail::strand_awaiter(p, *strand_);
}

}  // namespace v0
}  // namespace bide
