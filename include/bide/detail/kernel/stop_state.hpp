// SPDX-License-Identifier: BSL-1.0
//
// stop_state: "please end", for one sequential chain of frames, and the tree that carries it downwards.
//
// A chain waits in at most one place at a time, its *leaf*. One word decides who resumes the chain there
// (parking_word.hpp): a completer claims the leaf and posts its frame as "resume", or a stop request takes the leaf out
// and posts its frame as "unwind". Exactly one of the two wins, so an effect that happened is always delivered. A
// request stays set.
//
// A completer touches a leaf under the lock of the primitive whose list holds the leaf. A stop request touches it under
// this state's lock. The leaf's destructor takes the primitive's lock when its wait was not completed (L2).
//
// States form a tree. The requesting thread walks the tree without recursion, and holds the locks of all states from
// the requested one down to the current one (S2). A child's destructor takes its parent's lock, so no child is
// destroyed while the walk stands below its parent. No user code runs under these locks: callbacks are collected, and
// called after the walk.
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/kernel/parking_word.hpp>
#include <bide/error.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

struct leaf_base;
struct stop_anchor;
class stop_state;

/// A circular list, in the order in which its links came: the links, and the list itself.
struct circular_link {
    circular_link* prev = nullptr;
    circular_link* next = nullptr;

    /// Of the list itself.
    void begin() noexcept { prev = next = this; }
    [[nodiscard]] bool empty() const noexcept { return next == this; }
    void push_back(circular_link& link) noexcept {
        circular_link* const last = prev;
        link.prev = last;
        link.next = this;
        last->next = &link;
        prev = &link;
    }
    /// Of a link.
    void leave() noexcept {
        circular_link* const before = prev;
        circular_link* const after = next;
        before->next = after;
        after->prev = before;
        prev = next = nullptr;
    }
};

/// A link in a stop_state's list of children: another state, or a callback.
struct stop_link : circular_link {
    bool is_callback = false;
    bool listed =
        false;  // true while in a stop_state's list; guarded by that state's lock. A callback may be in the list
                // of a stop_callbacks afterwards
};

class stop_state : public stop_link {
public:
    stop_state() noexcept { children_.begin(); }
    stop_state(const stop_state&) = delete;
    stop_state& operator=(const stop_state&) = delete;
    ~stop_state() {
        if (parent_ != nullptr) unlink();
        if (anchor_ != nullptr) [[unlikely]]
            drop_anchor();
    }

    [[nodiscard]] bool requested() const noexcept { return word_.requested(); }
    [[nodiscard]] stop_reason reason() const noexcept { return requested() ? reason_ : stop_reason::none; }

    /// Returns false if stop was requested before: the leaf is not parked.
    [[nodiscard]] bool park(leaf_base& l) noexcept { return word_.park(l); }
    /// Returns true if the caller owns the resumption of the leaf. The completer calls it under the primitive's lock
    /// (L1).
    [[nodiscard]] bool claim(leaf_base& l) noexcept { return word_.claim(l); }
    /// The leaf where the chain is parked, or null. On other threads than the chain's the answer may be old.
    [[nodiscard]] leaf_base* parked() const noexcept { return word_.parked(); }

    /// Asks this chain and all chains below it to end. Returns false if that was requested before.
    bool request(stop_reason why) noexcept BIDE_EXCLUDES(lock_);

    /// A request of `parent` reaches this state too from now on, also one that was made before.
    void link_to(stop_state& parent) noexcept {
        parent_ = &parent;
        parent.lock_.lock();
        const bool before = !parent.requested();
        if (before) [[likely]]
            parent.append(*this);
        parent.lock_.unlock();
        if (!before) [[unlikely]]
            request(parent.reason());
    }
    void unlink() noexcept {
        if (parent_ == nullptr) return;
        // The lock is taken even when the link is out of the list: a request that walks below `parent` holds it (S2).
        stop_state& parent = *parent_;
        parent.lock_.lock();
        if (listed) take_out(*this);
        parent_ = nullptr;
        parent.lock_.unlock();
    }
    [[nodiscard]] stop_state* parent() const noexcept { return parent_; }

    /// Adds a callback. Returns false if stop was requested before: the callback is not added.
    bool add(stop_link& callback) noexcept BIDE_EXCLUDES(lock_);
    /// Takes a callback out. Returns false if the list does not hold it any more.
    bool remove(stop_link& callback) noexcept BIDE_EXCLUDES(lock_);

    /// The object that this state shares with followers that may outlive it (stop_follower.hpp). Called in this state's
    /// chain.
    [[nodiscard]] stop_anchor& anchor();

private:
    void drop_anchor() noexcept BIDE_EXCLUDES(lock_);
    void mark(stop_reason why) noexcept BIDE_REQUIRES(lock_);
    void append(stop_link& l) noexcept BIDE_REQUIRES(lock_) {
        children_.push_back(l);
        l.listed = true;
    }
    static void take_out(stop_link& l) noexcept {
        l.leave();
        l.listed = false;
    }

    stop_reason reason_ = stop_reason::none;  // this and the lock fit into the link's last bytes
    spin_lock lock_;
    parking_word<leaf_base> word_;
    stop_state* parent_ = nullptr;
    stop_anchor* anchor_ = nullptr;
    circular_link children_ BIDE_GUARDED_BY(lock_);
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
