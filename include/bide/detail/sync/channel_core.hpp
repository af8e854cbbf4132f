// SPDX-License-Identifier: BSL-1.0
//
// channel_core: the queue of a channel, and which waiter gets which value.
//
// The core has two sides with a lock each, so that a sender and a receiver on two processors wait neither for each
// other nor for memory that the other one has just written. While the channel is open and has no waiter, and its queue
// is neither full nor empty, an operation needs one side only. Every other state is *special*: the operation takes both
// locks, which keep every other thread out of the channel. The lists of waiters change under both locks only, so no
// wake-up can be missed.
//
//     senders' side:   the number of values sent in all, and the number received when a sender last looked
//     receivers' side: the number of values received in all, and the number sent when a receiver last looked
//
// What a side knows of the other one may be old: then it sees fewer values, or fewer free places, than there are, never
// more. (The queue is a ring after Lamport, 1983, whose ends each have a lock.)
//
// Invariant between two calls, counting only waiters that were not stopped: a receiver waits only while the queue is
// empty and no sender waits; a sender waits only while the queue is full. So values leave in the order in which they
// came, whether they were in the queue or still with their senders.
//
// `Leaf`, `Var`: see waiting_list.hpp; `Lock` and `Word` belong together (lock_policy.hpp). The model checker has its
// own.
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/base/waiting_list.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// A sender that waits. The value stays where the caller has it until a receiver takes it from there.
template <class T, class Leaf>
struct sending : Leaf {
    using Leaf::Leaf;
    T* value = nullptr;
    bool sent = false;
};
template <class T, class Leaf>
struct receiving : Leaf {
    using Leaf::Leaf;
    std::optional<T> got;
};

enum class passage : std::uint8_t { done, closed, has_to_wait };

/// Tells whether a caller that has to wait queues before it gives both locks back (will_wait), or does not wait.
enum class patience : std::uint8_t { none, will_wait };

template <class T, class Leaf, class Lock, template <class> class Word, template <class> class Var = plain,
          std::size_t Apart = 0>
class BIDE_CAPABILITY("channel_core") channel_core {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "bide: a channel moves its values from task to task, and a move that throws would lose one: send a "
                  "std::unique_ptr instead");

public:
    using sender = sending<T, Leaf>;
    using receiver = receiving<T, Leaf>;

    explicit channel_core(std::size_t capacity)
        : in_(capacity != 0 ? std::allocator<T>().allocate(capacity) : nullptr, capacity), out_(in_.items, capacity) {}
    channel_core(const channel_core&) = delete;
    channel_core& operator=(const channel_core&) = delete;
    ~channel_core() {
        while (size() != 0) pop();
        if (in_.items != nullptr) std::allocator<T>().deallocate(in_.items, in_.capacity);
    }

    [[nodiscard]] std::size_t capacity() const noexcept { return in_.capacity; }

    // These two take the lock of their side. They return nullopt if the state is special: then the caller takes both
    // locks, and calls send_locked() or receive_locked().

    /// Moves from the value only when it returns `done`.
    [[nodiscard]] std::optional<passage> try_send(T& value) noexcept {
        if (in_.is_special()) return std::nullopt;
        in_.lock.lock();
        if (in_.is_special()) [[unlikely]] {
            in_.lock.unlock();
            return std::nullopt;
        }
        const std::size_t sent = in_.count.load(std::memory_order_relaxed);  // relaxed: changed under this lock
        // acquire: the place is free once its value was moved away.
        if (sent - in_.known == in_.capacity) in_.known = out_.count.load(std::memory_order_acquire);
        const bool room = sent - in_.known != in_.capacity;
        if (room) push(sent, std::move(value));
        in_.lock.unlock();
        return room ? passage::done : passage::has_to_wait;
    }
    /// `into` is empty, and gets a value only when the function returns `done`.
    [[nodiscard]] std::optional<passage> try_receive(std::optional<T>& into) noexcept {
        if (out_.is_special()) return std::nullopt;
        out_.lock.lock();
        if (out_.is_special()) [[unlikely]] {
            out_.lock.unlock();
            return std::nullopt;
        }
        const std::size_t received = out_.count.load(std::memory_order_relaxed);  // relaxed: changed under this lock
        // acquire: a value that was counted is in its place.
        if (received == out_.known) out_.known = in_.count.load(std::memory_order_acquire);
        const bool some = received != out_.known;
        if (some) into.emplace(pop());
        out_.lock.unlock();
        return some ? passage::done : passage::has_to_wait;
    }

    /// Takes both locks, the senders' first. UNANALYZED: the analysis knows the two as the core's own capability.
    void lock() noexcept BIDE_ACQUIRE() BIDE_UNANALYZED {
        in_.lock.lock();
        out_.lock.lock();
    }
    void unlock() noexcept BIDE_RELEASE() BIDE_UNANALYZED {
        out_.lock.unlock();
        in_.lock.unlock();
    }

    [[nodiscard]] std::size_t size() const noexcept BIDE_REQUIRES(this) {
        return in_.count.load(std::memory_order_relaxed) - out_.count.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool closed() const noexcept BIDE_REQUIRES(this) { return closed_; }

    /// Does what try_send() does. Sets `to` to the claimed receiver that has the value, which the caller resumes; else
    /// leaves `to` as it is.
    passage send_locked(T& value, Leaf*& to, patience wait = patience::none) noexcept BIDE_REQUIRES(this) {
        hold_both_sides();
        if (closed_) return passage::closed;
        if (Leaf* const l = receivers.pop_claimed()) {
            static_cast<receiver*>(l)->got.emplace(std::move(value));
            to = l;
            mark(!receivers.empty());
            return passage::done;
        }
        const bool room = size() != capacity();
        if (room) push(in_.count.load(std::memory_order_relaxed), std::move(value));
        publish_counts(!room && wait == patience::will_wait);
        return room ? passage::done : passage::has_to_wait;
    }
    /// Does what try_receive() does. Sets `from` to the claimed sender whose value was taken, which the caller resumes;
    /// else leaves `from` as it is.
    passage receive_locked(std::optional<T>& into, Leaf*& from, patience wait = patience::none) noexcept
        BIDE_REQUIRES(this) {
        hold_both_sides();
        if (size() != 0) into.emplace(pop());
        Leaf* const l = senders.pop_claimed();  // there is room for its value now
        if (l != nullptr) {
            auto* s = static_cast<sender*>(l);
            if (into)
                push(in_.count.load(std::memory_order_relaxed), std::move(*s->value));
            else
                into.emplace(std::move(*s->value));  // capacity 0: the value never enters the queue
            s->sent = true;
            from = l;
        }
        if (into) {
            publish_counts(false);
            return passage::done;
        }
        if (closed_) return passage::closed;
        mark(wait == patience::will_wait || !receivers.empty());
        return passage::has_to_wait;
    }

    /// Claims every waiter, which the caller resumes; senders keep their values.
    void close(claimed_waiters<Leaf>& to) noexcept BIDE_REQUIRES(this) {
        closed_ = true;
        while (Leaf* l = receivers.pop_claimed()) to.add(*l);
        while (Leaf* l = senders.pop_claimed()) to.add(*l);
        publish_counts(false);
    }

    waiting_list<Leaf, Var> senders BIDE_GUARDED_BY(this);
    waiting_list<Leaf, Var> receivers BIDE_GUARDED_BY(this);

    // For a look without a lock. The queue is empty while sent() equals received(), and full while received() equals
    // sent_but_for_capacity(). relaxed: hints.
    [[nodiscard]] const Word<std::size_t>& sent() const noexcept { return in_.count; }
    [[nodiscard]] const Word<std::size_t>& received() const noexcept { return out_.count; }
    [[nodiscard]] std::size_t received_now() const noexcept { return out_.count.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t sent_but_for_capacity() const noexcept {
        return in_.count.load(std::memory_order_relaxed) - capacity();
    }

private:
    /// What one side touches; a copy of what never changes, too, so that it is in the side's own cache lines.
    struct side {
        side(T* i, std::size_t c) noexcept : special(false), count(0), position(0), known(0), capacity(c), items(i) {}
        Lock lock;
        Word<bool> special;                               // the same on both sides; written under both locks
        Word<std::size_t> count;                          // values sent or received in all; written under this lock
        Var<std::size_t> position BIDE_GUARDED_BY(lock);  // the place of the next value
        Var<std::size_t> known BIDE_GUARDED_BY(lock);     // the other side's count, when this side last looked
        const std::size_t capacity;
        T* const items;  // a ring of `capacity` places
        // relaxed: a hint, or read under this lock
        [[nodiscard]] bool is_special() const noexcept { return special.load(std::memory_order_relaxed); }
        void advance() noexcept BIDE_REQUIRES(lock) {
            const std::size_t next = position + 1;
            position = next == capacity ? 0 : next;  // no remainder: a division takes as long as the whole operation
        }
    };
    struct no_padding {};
    struct padding {
        std::byte unused[Apart + 1];
    };
    using between = std::conditional_t<Apart == 0, no_padding, padding>;

    /// Tells the analysis what lock() means.
    void hold_both_sides() noexcept BIDE_REQUIRES(this) BIDE_ASSERT_CAPABILITY(in_.lock)
        BIDE_ASSERT_CAPABILITY(out_.lock) {}
    void push(std::size_t sent, T&& value) noexcept BIDE_REQUIRES(in_.lock) {
        std::construct_at(in_.items + in_.position, std::move(value));
        in_.advance();
        in_.count.store(sent + 1, std::memory_order_release);  // release: the receiver sees the value
    }
    T pop() noexcept BIDE_REQUIRES(out_.lock) {
        // After the value was moved away, the destructor destroys what is left of it and counts its place as free.
        struct leaving {
            side& out;
            T* item;
            ~leaving() {
                assume_held(out.lock);
                std::destroy_at(item);
                out.advance();
                const std::size_t received = out.count.load(std::memory_order_relaxed);  // relaxed: this side's count
                out.count.store(received + 1, std::memory_order_release);  // release: the sender may use the place
            }
        } const end{out_, out_.items + out_.position};
        return std::move(*end.item);
    }
    void mark(bool special) noexcept BIDE_REQUIRES(this) {
        in_.special.store(special, std::memory_order_relaxed);  // relaxed: each side looks again under its lock
        out_.special.store(special, std::memory_order_relaxed);
    }
    // Called after a change under both locks: each side gets the flag and the other side's count.
    void publish_counts(bool will_wait) noexcept BIDE_REQUIRES(this) {
        hold_both_sides();
        mark(will_wait || closed_ || !senders.empty() || !receivers.empty());
        in_.known = out_.count.load(std::memory_order_relaxed);  // relaxed: under both locks
        out_.known = in_.count.load(std::memory_order_relaxed);
    }

    side in_;
    [[no_unique_address]] between between_;  // keeps the sides in different cache lines
    side out_;
    Var<bool> closed_ BIDE_GUARDED_BY(this){false};
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
