// SPDX-License-Identifier: BSL-1.0
//
// channel<T>: a bounded queue between tasks and threads; first in, first out.
//
//     bide::channel<job> jobs(64);
//     bool sent = co_await jobs.send(std::move(j));              // waits while the channel is full; false if it is closed
//     while (std::optional<job> j = co_await jobs.receive())     // until it is closed and empty
//         work(*j);
//     jobs.close();                                              // from anywhere
//
// In plain code: jobs.send(std::move(j)).wait() and jobs.receive().wait(). So a channel joins threads and loops.
// Capacity 0: a send waits until a receiver takes the value.
//
// send() moves from a value only if it was sent. After a send that was refused or cancelled, or that found the channel
// closed, the caller has its value as before. send(std::move(x)) refers to x until the send is over; send(x) sends a
// copy. close() wakes every waiter. Values that are queued can still be received. Closing twice is harmless.
//
// Thread rule: channel: any coroutine and any thread may use it. local_channel: the same without atomics; only the
//   tasks of one loop, and plain code on that loop's thread, may use it. In both, a stop request to a waiting task may
//   come from any thread.
// Lifetime rule: it outlives its waiters. Destroying it while a task or thread waits for it ends the program with a
//   message. Its destructor destroys the queued values. It allocates its whole capacity when it is made, and nothing
//   later.
// Cancellation: a waiting task that is asked to stop leaves the channel and unwinds. A value that was handed to a
//   receiver before the request is delivered.
// Errors: none of its own. T moves without throwing; its move constructor runs under the channel's lock.
#pragma once

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/sync/channel_core.hpp>
#include <bide/detail/sync/lock_policy.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {
inline constexpr wait_kind send_kind{"channel to have room", true};
inline constexpr wait_kind receive_kind{"channel to have a value", true};
}  // namespace detail

template <class T, class Lock>
class basic_channel {
    static_assert(std::is_object_v<T> && std::is_same_v<T, std::remove_cv_t<T>>, "bide: a channel is for objects");
    using policy = detail::lock_policy<Lock>;
    using core = detail::channel_core<T, detail::leaf, Lock, policy::template word, detail::plain, policy::apart>;
    class send_awaiter;
    class receive_awaiter;

public:
    using value_type = T;
    class send_op;
    class send_copy_op;
    class receive_op;

    explicit basic_channel(std::size_t capacity) : core_(capacity) {}
    basic_channel(const basic_channel&) = delete;
    basic_channel& operator=(const basic_channel&) = delete;
    ~basic_channel() {
        const detail::lock_guard hold(core_);
        detail::need_no_waiters(core_.receivers, "channel");
        detail::need_no_waiters(core_.senders, "channel");
    }

    /// Awaitable once, with .wait(): true if the value was sent, false if the channel is closed.
    [[nodiscard]] send_op send(T&& value) noexcept { return send_op(*this, value); }
    [[nodiscard]] send_copy_op send(const T& value)
        requires std::copy_constructible<T>
    {
        return send_copy_op(*this, value);
    }
    /// Awaitable, with .wait(): a value, or nothing if the channel is closed and empty.
    [[nodiscard]] receive_op receive() noexcept { return receive_op(*this); }

    /// Returns false if the channel is full or closed; the caller has its value as before then. Never waits.
    [[nodiscard]] bool try_send(T&& value) noexcept { return send_now(value) == detail::passage::done; }
    [[nodiscard]] bool try_send(const T& value)
        requires std::copy_constructible<T>
    {
        return try_send(T(value));
    }
    /// Returns a value, or nothing if none is queued at this moment. Never waits.
    [[nodiscard]] std::optional<T> try_receive() noexcept {
        std::optional<T> value;
        receive_now(value);
        return value;
    }

    void close() noexcept {
        detail::claimed_leaves woken;
        const detail::lock_guard hold(core_);
        core_.close(woken);
    }
    [[nodiscard]] bool closed() const noexcept {
        const detail::lock_guard hold(core_);
        return core_.closed();
    }
    /// How many values are queued.
    [[nodiscard]] std::size_t size() const noexcept {
        const detail::lock_guard hold(core_);
        return core_.size();
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return core_.capacity(); }

private:
    detail::passage send_now(T& value) noexcept {
        const auto how = core_.try_send(value);
        return how ? *how : send_specially(value);
    }
    detail::passage receive_now(std::optional<T>& into) noexcept {
        const auto how = core_.try_receive(into);
        return how ? *how : receive_specially(into);
    }
    [[gnu::noinline]] detail::passage send_specially(T& value) noexcept {
        detail::leaf* to = nullptr;
        core_.lock();
        const detail::passage how = core_.send_locked(value, to);
        core_.unlock();
        if (to != nullptr) resume_claimed(*to);
        return how;
    }
    [[gnu::noinline]] detail::passage receive_specially(std::optional<T>& into) noexcept {
        detail::leaf* from = nullptr;
        core_.lock();
        const detail::passage how = core_.receive_locked(into, from);
        core_.unlock();
        if (from != nullptr) resume_claimed(*from);
        return how;
    }
    /// Resumes a waiter. Nothing of the channel may be touched afterwards.
    void resume_claimed(detail::leaf& claimed) noexcept BIDE_EXCLUDES(core_) {
        BIDE_ASSERT(L1, !claimed.linked);
        if constexpr (policy::shared) {
            const bool crosses = claimed.frame->ctx->ex != detail::tls().running;
            if (crosses_.load(std::memory_order_relaxed) != crosses) crosses_.store(crosses, std::memory_order_relaxed);
        }
        claimed.resume();
    }
    /// Then a task looks a little before it parks: between two threads that are both at work a value comes, or a place,
    /// long before a thread has been woken; and then often several.
    [[nodiscard]] bool crosses() const noexcept {
        if constexpr (policy::shared)
            return core_.capacity() != 0 &&
                   crosses_.load(std::memory_order_relaxed);  // from hand to hand nothing is counted
        else
            return false;
    }
    [[nodiscard]] bool look_for_place() const noexcept {
        if constexpr (policy::shared)
            return detail::spin_for_change(core_.received(), core_.sent_but_for_capacity());
        else
            return false;
    }
    [[nodiscard]] bool look_for_value() const noexcept {
        if constexpr (policy::shared)
            return detail::spin_for_change(core_.sent(), core_.received_now());
        else
            return false;
    }

    mutable core core_;                 // with its locks
    std::atomic<bool> crosses_{false};  // the waiter that was woken last runs on another executor. relaxed: a hint
};

/// For coroutines and threads.
template <class T>
using channel = basic_channel<T, detail::spin_lock>;
/// For the tasks of one loop.
template <class T>
using local_channel = basic_channel<T, detail::no_lock>;

/// Refers to the value until the send is over.
template <class T, class Lock>
class [[nodiscard("co_await it or call .wait()")]] basic_channel<T, Lock>::send_op {
public:
    [[nodiscard]] send_awaiter native_awaiter(detail::promise_base& p) && noexcept {
        return send_awaiter(p, *channel_, *value_);
    }
    bool wait(std::source_location where = std::source_location::current()) && {
        return detail::as_task(std::move(*this)).wait(where);
    }

private:
    friend class basic_channel;
    send_op(basic_channel& c, T& value) noexcept : channel_(&c), value_(&value) {}
    basic_channel* channel_;
    T* value_;
};

/// Holds a copy of the value.
template <class T, class Lock>
class [[nodiscard("co_await it or call .wait()")]] basic_channel<T, Lock>::send_copy_op {
public:
    send_copy_op(send_copy_op&&) noexcept = default;
    [[nodiscard]] send_awaiter native_awaiter(detail::promise_base& p) && noexcept {
        return send_awaiter(p, *channel_, value_);
    }
    bool wait(std::source_location where = std::source_location::current()) && {
        return detail::as_task(std::move(*this)).wait(where);
    }

private:
    friend class basic_channel;
    send_copy_op(basic_channel& c, const T& value) : channel_(&c), value_(value) {}
    basic_channel* channel_;
    T value_;
};

template <class T, class Lock>
class [[nodiscard("co_await it or call .wait()")]] basic_channel<T, Lock>::receive_op {
public:
    [[nodiscard]] receive_awaiter native_awaiter(detail::promise_base& p) const noexcept {
        return receive_awaiter(p, *channel_);
    }
    std::optional<T> wait(std::source_location where = std::source_location::current()) const {
        return detail::as_task(*this).wait(where);
    }

private:
    friend class basic_channel;
    explicit receive_op(basic_channel& c) noexcept : channel_(&c) {}
    basic_channel* channel_;
};

template <class T, class Lock>
class basic_channel<T, Lock>::send_awaiter final
    : public detail::leaf_awaiter<send_awaiter, detail::sending<T, detail::leaf>> {
    using base = detail::leaf_awaiter<send_awaiter, detail::sending<T, detail::leaf>>;

public:
    send_awaiter(detail::promise_base& p, basic_channel& c, T& v) noexcept : base(p), channel_(c) { this->value = &v; }
    send_awaiter(const send_awaiter&) = delete;
    send_awaiter& operator=(const send_awaiter&) = delete;
    // Unanalyzed: abandon() takes the locks, which it knows by another name.
    ~send_awaiter() BIDE_UNANALYZED {
        this->abandon(channel_.core_, channel_.core_.senders);
        BIDE_ASSERT(L2, !this->linked);
    }

    [[nodiscard]] bool try_now() noexcept { return over(channel_.send_now(*this->value)) || after_a_look(); }
    // Unanalyzed: park_in() takes the locks, which it knows by another name.
    [[nodiscard]] bool park() noexcept BIDE_UNANALYZED {
        this->describe(detail::send_kind, &channel_);
        detail::leaf* to = nullptr;
        const bool parked = this->park_in(channel_.core_, channel_.core_.senders, [this, &to] {
            detail::assume_held(channel_.core_);
            return over(channel_.core_.send_locked(*this->value, to, detail::patience::will_wait));
        });
        if (to != nullptr) to->resume();
        return parked;
    }
    bool await_resume() noexcept {
        this->completed();
        return this->sent;
    }

private:
    bool over(detail::passage p) noexcept {
        this->sent = p == detail::passage::done;
        return p != detail::passage::has_to_wait;
    }
    bool after_a_look() noexcept { return channel_.crosses() && again(); }
    [[gnu::noinline]] bool again() noexcept {
        return channel_.look_for_place() && over(channel_.send_now(*this->value));
    }
    basic_channel& channel_;
};

template <class T, class Lock>
class basic_channel<T, Lock>::receive_awaiter final
    : public detail::leaf_awaiter<receive_awaiter, detail::receiving<T, detail::leaf>> {
    using base = detail::leaf_awaiter<receive_awaiter, detail::receiving<T, detail::leaf>>;

public:
    receive_awaiter(detail::promise_base& p, basic_channel& c) noexcept : base(p), channel_(c) {}
    receive_awaiter(const receive_awaiter&) = delete;
    receive_awaiter& operator=(const receive_awaiter&) = delete;
    // Unanalyzed: abandon() takes the locks, which it knows by another name.
    ~receive_awaiter() BIDE_UNANALYZED {
        this->abandon(channel_.core_, channel_.core_.receivers);
        BIDE_ASSERT(L2, !this->linked);
    }

    [[nodiscard]] bool try_now() noexcept { return over(channel_.receive_now(this->got)) || after_a_look(); }
    // Unanalyzed: park_in() takes the locks, which it knows by another name.
    [[nodiscard]] bool park() noexcept BIDE_UNANALYZED {
        this->describe(detail::receive_kind, &channel_);
        detail::leaf* from = nullptr;
        const bool parked = this->park_in(channel_.core_, channel_.core_.receivers, [this, &from] {
            detail::assume_held(channel_.core_);
            return over(channel_.core_.receive_locked(this->got, from, detail::patience::will_wait));
        });
        if (from != nullptr) from->resume();
        return parked;
    }
    [[nodiscard]] std::optional<T> await_resume() noexcept {
        this->completed();
        return std::move(this->got);
    }

private:
    static bool over(detail::passage p) noexcept { return p != detail::passage::has_to_wait; }
    bool after_a_look() noexcept { return channel_.crosses() && again(); }
    [[gnu::noinline]] bool again() noexcept {
        return channel_.look_for_value() && over(channel_.receive_now(this->got));
    }
    basic_channel& channel_;
};

}  // namespace v0
}  // namespace bide
