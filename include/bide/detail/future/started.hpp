// SPDX-License-Identifier: BSL-1.0
//
// started<T, F, A…>: a task that was started: one node that holds the callable and its arguments while it runs and the
// result afterwards; the coroutine's frame dies at completion.
//
// The callable is called on the executor, when the task is due, and not inside a co_await expression: so nothing
// dangles (the closure and the arguments live in the node until the task has ended) and g++ 12 has nothing to
// miscompile.
#pragma once

#include <bide/detail/base/call_site.hpp>
#include <bide/detail/base/invoke.hpp>
#include <bide/detail/base/two_way_list.hpp>
#include <bide/detail/future/future_state.hpp>
#include <bide/detail/future/held_call.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/detail/kernel/chain_root.hpp>
#include <bide/task.hpp>

#include <memory_resource>
#include <new>
#include <optional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

template <class T>
class future;

namespace detail {

class started_base;

/// The owner of started tasks: a scope; or submitted_work, for what was submitted to a loop, a pool or a strand.
class started_owner {
public:
    /// Called before the task is posted. Throws (not_running, scope_closed) to refuse it.
    virtual void adopt(started_base& child) = 0;
    /// Called on the child's executor after its result was published; `result` is the child's state(). Gives the
    /// owner's reference back before another thread can see that the child has ended: the node's memory may be gone
    /// after that.
    virtual void ended(started_base& child, future_base& result, future_status how) noexcept = 0;

protected:
    ~started_owner() = default;
};

class started_base : public chain_root {
public:
    started_owner* owner = nullptr;
    std::pmr::memory_resource* memory = nullptr;
    started_base* older = nullptr;  // the owner's list of what has not ended, in start order; under the owner's lock
    started_base* younger = nullptr;
    std::uint64_t place = 0;  // which start of the owner's this was

    [[nodiscard]] virtual future_base& state() noexcept = 0;
    virtual void destroy_node() noexcept = 0;  // the last reference has gone

protected:
    explicit started_base(const std::source_location& where) noexcept;
    ~started_base();  // not inline, as the constructor: there is a node for every type of callable

    /// Adopts and posts it. Throws what adopt() throws; nothing has happened then.
    void launch(future_base& result, executor& ex, started_owner& by, const context* inherited);

    // make_frame() and drop_callable() return what their caller needs next as well: one virtual call less for each.
    [[nodiscard]] virtual slot_base& make_frame() = 0;  // calls the callable; the slot's child is the frame
    struct slot_and_state {
        slot_base& slot;
        future_base& state;
    };
    virtual slot_and_state drop_callable() noexcept = 0;
    [[nodiscard]] virtual slot_base& slot_of() noexcept = 0;
    virtual void set_failure(std::exception_ptr e) noexcept = 0;
    virtual void settle() noexcept = 0;  // slot::settle

private:
    static void on_due(call_node* self) noexcept;
    static void on_end(call_node* self) noexcept;
    void finish() noexcept;
};

/// Started tasks in the order in which they came, under the owner's lock.
using started_list = two_way_list<started_base, &started_base::older, &started_base::younger>;

template <class F, class... A>
struct start_traits {
    static_assert(
        std::is_invocable_v<F, A...>,
        "bide: the callable cannot be called with these arguments (they are copied and passed as rvalues; use "
        "std::ref for a reference that outlives the task)");
    using returned = std::invoke_result_t<F, A...>;
    static_assert(awaitable<returned>,
                  "bide: start and submit take a function that returns a task (or another awaitable); for a blocking "
                  "function use to_thread(f, args…) or start(to_async(f), args…)");
    using type = await_result_t<returned>;
};
template <awaitable F>
struct start_traits<F> {
    using type = await_result_t<F>;
};

/// A started task whose result is a T.
template <class T>
class started_for : public with_result<started_for<T>, started_base>, public future_state<T> {
public:
    void launch(executor& ex, started_owner& by, const context* inherited) {
        started_base::launch(*this, ex, by, inherited);
    }
    [[nodiscard]] future_base& state() noexcept final { return *this; }
    void stop_producer(stop_reason why) noexcept final {
        if (!this->ready()) this->stop.request(why);
    }
    [[nodiscard]] task_node* producer() noexcept final { return this; }

protected:
    using with_result<started_for<T>, started_base>::with_result;
    [[gnu::noinline]] ~started_for() = default;

private:
    void destroy() noexcept final { this->destroy_node(); }
};

template <class T, class F, class... A>
class started final : public started_for<T> {
public:
    template <class G, class... B>
    started(const std::source_location& where, G&& f, B&&... args)
        : started_for<T>(where), call_(std::in_place, std::forward<G>(f), std::forward<B>(args)...) {}
    ~started() {
        if (!this->ready()) call_.drop();  // it was refused
    }

    // The node comes from the same free lists as frames.
    static void* operator new(std::size_t n) { return node_alloc(n); }
    static void* operator new(std::size_t n, std::align_val_t a) { return ::operator new(n, a); }
    static void* operator new(std::size_t, void* at) noexcept { return at; }
    static void operator delete(void* node, std::size_t n) noexcept { frame_free(node, n); }
    static void operator delete(void* node, std::align_val_t a) noexcept { ::operator delete(node, a); }
    static void operator delete(void*, void*) noexcept {}

private:
    held_call<F, A...> call_;

    [[nodiscard]] slot_base& make_frame() override {
        this->result.child = std::apply(
            [](F& f, A&... args) -> promise_base* {
                if constexpr (sizeof...(A) == 0 && awaitable<F>)
                    return as_task(std::move(f)).release();
                else
                    return as_task(detail::invoke(std::forward<F>(f), std::forward<A>(args)...)).release();
            },
            call_.get());
        return this->result;
    }
    started_base::slot_and_state drop_callable() noexcept override {
        call_.drop();
        return {this->result, *this};
    }
    void destroy_node() noexcept override {
        std::pmr::memory_resource* const from = this->memory;
        this->~started();
        if (from != nullptr)
            from->deallocate(this, sizeof(started), alignof(started));
        else if constexpr (alignof(started) > __STDCPP_DEFAULT_NEW_ALIGNMENT__)
            operator delete(this, std::align_val_t(alignof(started)));
        else
            operator delete(this, sizeof(started));
    }
};

/// Makes the node; a copy of an argument that throws, or memory that is short, throws before anything has happened.
template <class F, class... A>
auto* make_started(std::pmr::memory_resource* memory, const std::source_location& where, F&& f, A&&... args) {
    using T = typename start_traits<std::decay_t<F>, std::decay_t<A>...>::type;
    using node = started<T, std::decay_t<F>, std::decay_t<A>...>;
    if (memory == nullptr) return new node(where, std::forward<F>(f), std::forward<A>(args)...);
    void* at = memory->allocate(sizeof(node), alignof(node));
    try {
        auto* n = ::new (at) node(where, std::forward<F>(f), std::forward<A>(args)...);
        n->memory = memory;
        n->trivial_release = false;
        return n;
    } catch (...) {
        memory->deallocate(at, sizeof(node), alignof(node));
        throw;
    }
}
template <class Node>
using result_of_node = decltype(std::declval<Node&>().result.take());

/// What was submitted to a loop, a pool or a strand and has not ended. Any thread may call its functions.
class submitted_work final : public started_owner {
public:
    explicit submitted_work(const char* what) noexcept : what_(what) {}
    void adopt(started_base& child) override BIDE_EXCLUDES(lock_);
    void ended(started_base& child, future_base& result, future_status how) noexcept override BIDE_EXCLUDES(lock_);

    /// Refuses new work and asks what is there to stop.
    void close(stop_reason why) noexcept BIDE_EXCLUDES(lock_);
    [[nodiscard]] bool empty() const noexcept { return count_.load(std::memory_order_acquire) == 0; }
    [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
    void reopen() noexcept { closed_.store(false, std::memory_order_release); }
    /// Called on the executor of the last task after it has ended.
    void (*when_empty)(submitted_work* self) noexcept = nullptr;

private:
    const char* what_;
    spin_lock lock_;
    started_list live_ BIDE_GUARDED_BY(lock_);
    std::atomic<std::size_t> count_{0};
    std::atomic<bool> closed_{false};
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
