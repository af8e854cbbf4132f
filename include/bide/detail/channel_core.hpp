// SPDX-License-Identifier: BSL-1.0
//
// channel_core: the queue of a channel, and who gets what. Everything under the channel's lock.
//
// Kept true between two calls, counting only waiters that were not stopped: a receiver waits only while the queue is
// empty and no sender waits; a sender waits only while the queue is full. So values leave in the order in which they
// came in, whether they stood in the queue or still with their senders.
//
// `Leaf`, `Var`: see waiting_list.hpp; the model checker has its own.
#pragma once

#include <bide/detail/std_parts.hpp>
#include <bide/detail/waiting_list.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// A sender that waits: the value stays where the caller has it until somebody takes it from there.
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

template <class T, class Leaf, template <class> class Var = plain>
class channel_core {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "bide: a channel moves its values from task to task, and a move that throws would lose one: send a "
                  "std::unique_ptr instead");

public:
    using sender = sending<T, Leaf>;
    using receiver = receiving<T, Leaf>;
    using woken = claimed_waiters<Leaf>;

    explicit channel_core(std::size_t capacity)
        : capacity_(capacity),
          first_(0),
          size_(0),
          closed_(false),
          items_(capacity != 0 ? std::allocator<T>().allocate(capacity) : nullptr) {}
    channel_core(const channel_core&) = delete;
    channel_core& operator=(const channel_core&) = delete;
    ~channel_core() {
        while (size_ != 0) pop();
        if (capacity_ != 0) std::allocator<T>().deallocate(items_, capacity_);
    }

    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }

    /// Moves from the value only when it says `done`.
    passage send(T& value, woken& to) noexcept {
        if (closed_) return passage::closed;
        if (Leaf* l = receivers.pop_claimed()) {
            static_cast<receiver*>(l)->got.emplace(std::move(value));
            to.add(*l);
            return passage::done;
        }
        if (size_ == capacity_) return passage::has_to_wait;
        push(std::move(value));
        return passage::done;
    }

    /// `into` is empty and gets a value only when it says `done`.
    passage receive(std::optional<T>& into, woken& to) noexcept {
        if (size_ != 0) into.emplace(pop());
        Leaf* const l = senders.pop_claimed();  // there is room for it now
        if (l != nullptr) {
            auto* s = static_cast<sender*>(l);
            if (into)
                push(std::move(*s->value));
            else
                into.emplace(std::move(*s->value));  // capacity 0: from hand to hand
            s->sent = true;
            to.add(*l);
        }
        if (into) return passage::done;
        return closed_ ? passage::closed : passage::has_to_wait;
    }

    /// Wakes everybody; senders keep their values.
    void close(woken& to) noexcept {
        closed_ = true;
        while (Leaf* l = receivers.pop_claimed()) to.add(*l);
        while (Leaf* l = senders.pop_claimed()) to.add(*l);
    }

    waiting_list<Leaf, Var> senders;
    waiting_list<Leaf, Var> receivers;

private:
    void push(T&& value) noexcept {
        const std::size_t size = size_;
        std::construct_at(items_ + (first_ + size) % capacity_, std::move(value));
        size_ = size + 1;
    }
    T pop() noexcept {
        const std::size_t first = first_;
        T* const at = items_ + first;
        struct end_of_life {
            T* item;
            explicit end_of_life(T* i) noexcept : item(i) {}
            end_of_life(const end_of_life&) = delete;
            end_of_life& operator=(const end_of_life&) = delete;
            ~end_of_life() { std::destroy_at(item); }
        } const end(at);
        first_ = first + 1 == capacity_ ? 0 : first + 1;
        size_ = size_ - 1;
        return std::move(*at);
    }

    const std::size_t capacity_;
    Var<std::size_t> first_;  // index of the oldest value
    Var<std::size_t> size_;
    Var<bool> closed_;
    T* const items_;  // a ring: capacity_ places, those of the queue are alive
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
