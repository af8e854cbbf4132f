// SPDX-License-Identifier: BSL-1.0
//
// strand: an executor that runs its members one at a time. Data that only members touch needs no lock between two
// waits, in coroutines and in threads alike.
//
//     bide::strand s;                                  // tasks submitted to it run on bide's background loop
//     s.submit(update, x);                             // a task of the strand; or scope_options::on = &s
//     { auto inside = s.enter().wait(); ++count; }     // plain code on any thread
//     { auto inside = co_await s.enter(); ++count; }   // a task of any executor, which stays on its executor
//     int n = co_await s.run(f, args…);                // enters, calls f (plain or a task), leaves
//
// Order: the strand admits tasks and threads first come, first served. A member that suspends or wait()s leaves the
// strand meanwhile, and rejoins it at the end of the queue. One exception: a member that wait()s on a loop's thread
// blocks that loop, so the strand does not admit tasks of that loop before the member has rejoined. A member that
// blocks outside of bide (a system call, a lock of the standard library) keeps the strand.
// When the strand admits a task, the task's executor has 100 ms to run it. Afterwards a thread that rejoins may take
// the turn, and the task returns to the front of the queue.
//
// Thread rule: every function may be called from any thread. A guard of enter().wait() ends on the thread on which it
//   began, in plain code. A guard of co_await enter() is a local variable of its coroutine. Neither can be moved.
// Lifetime rule: the strand outlives its guards and its tasks; the base executor outlives the strand.
// Cancellation: a task that waits in the queue and is asked to stop leaves the queue.
// Destructor: asks the submitted tasks to stop and blocks until they have ended. Called on the thread that has to run
//   these tasks, it could never return, and ends the program with a message.
// Errors: would_deadlock when a member enters the strand again, and for a wait in the strand that only the strand
//   itself could end.
#pragma once

#include <bide/detail/base/fifo.hpp>
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

/// A place in the strand's queue: of a member, of a thread that waits, or of the strand's own posted nodes (pump).
/// Guarded by the strand's mutex, which the entry cannot name: an entry is made before it is given to a strand.
struct strand_entry : call_node {
    strand_entry* prev = nullptr;
    strand_entry* next = nullptr;
    bool linked = false;
    bool posted = false;       // the entry's node is in the queue of `ex`
    std::uint64_t ticket = 0;  // the strand runs so many posted nodes before it admits this entry
    executor* ex = nullptr;    // where the admitted entry runs; null: a thread blocks until it is admitted
    leaf* waiting = nullptr;   // the strand claims this leaf before it admits the entry; a stop may have come first
    bool admitted = false;     // it is the entry's turn
    strand_signal* wake = nullptr;  // of a thread that blocks: the strand notifies it
    explicit strand_entry(void (*run)(call_node*) noexcept) noexcept : call_node(run) {}
};

/// A stay of this thread in the strand, on the native stack. A wait() inside it leaves the strand and rejoins it.
class strand_stay final : public blocking_region {
public:
    explicit strand_stay(strand& s) noexcept;
    strand_stay(const strand_stay&) = delete;
    strand_stay& operator=(const strand_stay&) = delete;
    ~strand_stay() { leave(); }
    void leave() noexcept;  // releases the strand; the second call does nothing
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
    loop* blocked_loop_;                // the loop that a wait() inside the stay blocks; null: none
    strand_stay* next_stay_ = nullptr;  // guarded by strand::m_
    executor* running_before_;
};

class strand_member;
class strand_awaiter;
class strand_thread_awaiter;

}  // namespace detail

class strand final : public executor {
public:
    /// The caller is a member of the strand as long as the guard lives.
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

    /// Waits until the strand admits the caller, first come, first served: co_await s.enter() in a coroutine,
    /// s.enter().wait() in plain code. Gives a guard.
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
    [[nodiscard]] bool over() const noexcept BIDE_REQUIRES(m_) { return state_ == state::idle && work_.empty(); }
    void need_outside(const std::source_location& where) const;
    void queue(detail::strand_entry& e) noexcept BIDE_REQUIRES(m_);
    void insert_before(detail::strand_entry& e, detail::strand_entry* x) noexcept BIDE_REQUIRES(m_);
    void unlink(detail::strand_entry& e) noexcept BIDE_REQUIRES(m_);
    void park(detail::leaf& l, detail::strand_entry& e) noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] detail::strand_entry* reserve(detail::strand_entry& e) noexcept BIDE_REQUIRES(m_);
    void revoke() noexcept BIDE_REQUIRES(m_);
    [[nodiscard]] detail::strand_entry* admit_next() noexcept BIDE_REQUIRES(m_);
    [[nodiscard]] detail::strand_entry* admit_if_idle() noexcept BIDE_REQUIRES(m_);
    static void send(detail::strand_entry* e) noexcept;
    [[nodiscard]] bool begin(detail::strand_entry& e) noexcept BIDE_REQUIRES(m_);
    void leave() noexcept BIDE_EXCLUDES(m_);
    void begin_stay(detail::strand_stay& stay) noexcept BIDE_EXCLUDES(m_);
    void rejoin(detail::strand_stay& stay) noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] bool can_run(const executor* on) const noexcept BIDE_REQUIRES(m_);
    void withdraw(detail::strand_entry& e) noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] bool try_enter() noexcept BIDE_EXCLUDES(m_);
    void run_turn(ready_node& node, const detail::strand_stay& stay, const executor& of, executor& on) noexcept
        BIDE_EXCLUDES(m_);

    struct pump final : detail::strand_entry {  // the entry of the posted nodes: each turn runs one
        strand& owner;
        explicit pump(strand& s) noexcept : strand_entry(&strand::on_turn), owner(s) {}
    };

    executor& base_;
    detail::os_mutex m_;
    state state_ BIDE_GUARDED_BY(m_) = state::idle;
    detail::strand_signal* ended_ BIDE_GUARDED_BY(m_) = nullptr;  // the destructor waits for it
    detail::strand_entry* reserved_ BIDE_GUARDED_BY(m_) = nullptr;
    std::atomic<executor*> reserved_on_{nullptr};  // written with m_ held; relaxed: a hint for the wait graph
    detail::two_way_list<detail::strand_entry, &detail::strand_entry::prev, &detail::strand_entry::next> entries_
        BIDE_GUARDED_BY(m_);
    // Members that wait(): the strand admits no task of the loops that they block.
    detail::lifo<detail::strand_stay, &detail::strand_stay::next_stay_> stays_ BIDE_GUARDED_BY(m_);
    detail::fifo<ready_node, &ready_node::next> posted_ BIDE_GUARDED_BY(m_);
    std::uint64_t pushed_ BIDE_GUARDED_BY(m_) = 0;  // nodes that were posted so far
    std::uint64_t begun_ BIDE_GUARDED_BY(m_) = 0;   // and those of them that have begun
    pump pump_;
    const std::uint64_t id_;
    detail::submitted_work work_{"this strand"};
};

namespace detail {

/// A coroutine of another executor that is a member of the strand. It is the executor in the coroutine's context: the
/// frame is posted here, and runs on its former executor when the strand admits it.
class strand_member final : public executor, public strand_entry {
public:
    strand_member(strand& s, promise_base& p) noexcept;
    ~strand_member() override { retire(); }
    void post(ready_node& node) noexcept override;
    loop& carrier() noexcept override { return ex->carrier(); }
    [[nodiscard]] const char* name() const noexcept override { return "strand"; }

    strand& owner;
    context inside;
    fifo<ready_node, &ready_node::next> posted_frames BIDE_GUARDED_BY(owner.m_);
    bool busy BIDE_GUARDED_BY(owner.m_) = false;  // a frame of the member runs
    wait_edge* edge = nullptr;
    strand_stay* stay = nullptr;

private:
    static void on_turn(call_node* self) noexcept;
};

class strand_awaiter final : public owned_leaf<strand_awaiter> {
public:
    strand_awaiter(promise_base& p, strand& s);
    strand_awaiter(const strand_awaiter&) = delete;
    strand_awaiter& operator=(const strand_awaiter&) = delete;
    ~strand_awaiter();
    [[nodiscard]] bool try_now() const noexcept {
        return false;
    }  // a stay ends at a suspension, and so it begins with one
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
