// SPDX-License-Identifier: BSL-1.0
//
// The waiters of a primitive in the order of their arrival (waiting_list), and those that a completer has claimed and
// is about to resume (claimed_waiters).
//
// `Leaf` has the links prev, next, linked and the operations publish(), claim() and resume() (see leaf.hpp). `Var` is
// the plain type in the library; in tests/model it is one whose every access the model checker watches.
#pragma once

#include <bide/detail/base/fifo.hpp>
#include <bide/detail/base/two_way_list.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

/// The caller of every member holds the primitive's lock.
template <class Leaf, template <class> class Var = plain>
class waiting_list {
public:
    [[nodiscard]] bool empty() const noexcept { return leaves_.empty(); }
    [[nodiscard]] Leaf* front() const noexcept { return leaves_.first(); }

    void push_back(Leaf& l) noexcept {
        leaves_.push_back(l);
        l.linked = true;
    }
    void remove(Leaf& l) noexcept {
        leaves_.remove(l);
        l.linked = false;
    }
    [[nodiscard]] Leaf* pop_front() noexcept {
        Leaf* const l = leaves_.pop_front();
        if (l != nullptr) l->linked = false;
        return l;
    }
    /// Takes out and claims the first waiter that no stop request has taken. Returns null if there is none.
    [[nodiscard]] Leaf* pop_claimed() noexcept {
        while (Leaf* l = pop_front())
            if (l->claim()) return l;
        return nullptr;
    }
    /// Puts a leaf at the end and parks its chain there. Returns false if stop was requested before: the leaf is in no
    /// list, and the caller posts its frame as "unwind".
    [[nodiscard]] bool park(Leaf& l) noexcept {
        push_back(l);
        if (l.publish()) [[likely]]
            return true;
        remove(l);
        return false;
    }

private:
    two_way_list<Leaf, &Leaf::prev, &Leaf::next, Var> leaves_;
};

/// Waiters that a completer has claimed under a lock. The completer owns them until it resumes them, in order, after it
/// has released the lock (L1). It declares this object before the lock's guard, because the destructor resumes. After
/// that the completer does not touch the primitive, which a resumed waiter may have destroyed.
template <class Leaf>
class claimed_waiters {
public:
    claimed_waiters() noexcept = default;
    claimed_waiters(const claimed_waiters&) = delete;
    claimed_waiters& operator=(const claimed_waiters&) = delete;
    ~claimed_waiters() {
        while (Leaf* l = take()) l->resume();
    }
    [[nodiscard]] bool empty() const noexcept { return leaves_.empty(); }
    void add(Leaf& l) noexcept { leaves_.push_back(l); }
    /// Takes the first waiter out, which the caller then owns. Returns null if there is none.
    [[nodiscard]] Leaf* take() noexcept { return leaves_.pop(); }

private:
    fifo<Leaf, &Leaf::next> leaves_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
