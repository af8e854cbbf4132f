// SPDX-License-Identifier: BSL-1.0
//
// The waiters of a primitive, in the order in which they came, and those of them that are about to be resumed.
//
// `Leaf` has the links prev, next, linked and the operations publish(), claim() and resume() (see leaf.hpp). `Var` is
// the plain type in the library; in tests/model it is one whose every access the model checker watches.
#pragma once

namespace bide {
inline namespace v0 {
namespace detail {

template <class T>
using plain = T;

/// Everything under the primitive's lock.
template <class Leaf, template <class> class Var = plain>
class waiting_list {
public:
    waiting_list() noexcept : first_(nullptr), last_(nullptr) {}
    waiting_list(const waiting_list&) = delete;
    waiting_list& operator=(const waiting_list&) = delete;

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] Leaf* front() const noexcept { return first_; }

    void push_back(Leaf& l) noexcept {
        Leaf* const last = last_;
        l.prev = last;
        l.next = nullptr;
        l.linked = true;
        if (last != nullptr)
            last->next = &l;
        else
            first_ = &l;
        last_ = &l;
    }
    void remove(Leaf& l) noexcept {
        Leaf* const before = l.prev;
        Leaf* const after = l.next;
        if (before != nullptr)
            before->next = after;
        else
            first_ = after;
        if (after != nullptr)
            after->prev = before;
        else
            last_ = before;
        l.linked = false;
    }
    [[nodiscard]] Leaf* pop_front() noexcept {
        Leaf* const l = first_;
        if (l == nullptr) return nullptr;
        Leaf* const after = l->next;
        first_ = after;
        if (after != nullptr)
            after->prev = nullptr;
        else
            last_ = nullptr;
        l->linked = false;
        return l;
    }
    /// The first waiter that was not stopped meanwhile, claimed and taken out; null when there is none.
    [[nodiscard]] Leaf* pop_claimed() noexcept {
        while (Leaf* l = pop_front())
            if (l->claim()) return l;
        return nullptr;
    }
    /// Puts a leaf at the end and parks its chain there. False: stop was requested before; the caller unwinds it.
    [[nodiscard]] bool park(Leaf& l) noexcept {
        push_back(l);
        if (l.publish()) [[likely]]
            return true;
        remove(l);
        return false;
    }

private:
    Var<Leaf*> first_;
    Var<Leaf*> last_;
};

/// Waiters that were claimed under a lock: they belong to the claimer until it resumes them, in order, after giving the
/// lock back. So: declare it before the lock's guard; its destructor resumes. Nothing of the primitive may be touched
/// after that, a waiter may have destroyed it.
template <class Leaf>
class claimed_waiters {
public:
    claimed_waiters() noexcept = default;
    claimed_waiters(const claimed_waiters&) = delete;
    claimed_waiters& operator=(const claimed_waiters&) = delete;
    ~claimed_waiters() {
        while (Leaf* l = take()) l->resume();
    }
    void add(Leaf& l) noexcept {
        l.next = nullptr;
        if (last_ != nullptr)
            last_->next = &l;
        else
            first_ = &l;
        last_ = &l;
    }
    /// The first one, which is now the caller's alone; null when there is none.
    [[nodiscard]] Leaf* take() noexcept {
        Leaf* const l = first_;
        if (l == nullptr) return nullptr;
        first_ = l->next;  // before it is resumed: it may be gone then
        if (first_ == nullptr) last_ = nullptr;
        return l;
    }

private:
    Leaf* first_ = nullptr;
    Leaf* last_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
