// SPDX-License-Identifier: BSL-1.0
//
// The wait graph: which chain of frames waits for which other, so that a wait that can have no end is seen (1.6).
//
// A wait for a future, a scope, a strand or an owned mutex waits for a known chain: its target. Publishing every such
// wait would slow the fast path down, so a leaf only notes its edge with the loop that runs it. The loop's thread
// publishes the edges of the leaves that are still parked before it sleeps, and every turns_between_examinations turns
// if it never sleeps. It publishes them here, under one process-wide mutex, and follows them:
//     waiting chain -> the producer or owner -> what that chain waits for, or the wait() that blocks its loop -> …
// A path that returns to its beginning is a deadlock: the search claims a waiter on it and wakes it with
// would_deadlock. A cycle is complete when its last edge is published, and the thread that publishes that edge finds
// the cycle.
//
// Cost: publishing or forgetting a wait allocates nothing, and takes the same time for the first and for the millionth.
// One examination follows each wait at most once.
//
// A search touches the following, under the graph's mutex: published edges, their leaves and the frames suspended there
// (a waiter takes the mutex to forget its edge before it continues); the nodes of those chains and of all chains above
// them, which outlive them; and producers, whose nodes their waiters hold references to. A search never reads the
// executor of a node that it reached, since the node may have ended and its executor been destroyed. It compares the
// executor's address with those of the executors that were alive when the search began.
#pragma once

#include <bide/detail/base/two_way_list.hpp>
#include <bide/detail/kernel/leaf.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// What a leaf waits for: a live chain of frames, or the holder of a mutex by its owner id and the executor on which it
/// runs.
struct wait_target {
    task_node* node = nullptr;
    std::uint64_t owner = 0;
    executor* ex = nullptr;
    wait_target(task_node* n) noexcept : node(n) {}  // NOLINT(google-explicit-constructor)
    wait_target(std::uint64_t holder, executor* where) noexcept : owner(holder), ex(where) {}
};

struct wait_edge;
/// The edges of a loop that always has something ready are examined once in this many turns.
inline constexpr unsigned turns_between_examinations = 64;

struct noted_edges;

/// A wait with a known target; a part of the leaf. Most operations complete without waiting, so note_edge() sets the
/// members that have no initial value here.
struct wait_edge {
    leaf* waiter;
    wait_target (*target)(const wait_edge& self) noexcept;
    wait_edge* prev;  // noted: the list of `home`; published: those of the owners with the same hash
    wait_edge* next;
    wait_edge* next_published;    // published by the examination that goes on
    noted_edges* home = nullptr;  // null: neither noted nor published
    enum class phase : std::uint8_t { none, noted, published };
    std::atomic<phase> edge_phase;  // changed under home's lock; from published under the graph's mutex
    union {
        std::exception_ptr verdict;  // would_deadlock, once found; it lives as long as there is a home
    };

    wait_edge() noexcept {}  // NOLINT(*-member-init, *-use-equals-default): see above
    ~wait_edge() {}          // NOLINT(*-use-equals-default): of the union
    wait_edge(const wait_edge&) = delete;
    wait_edge& operator=(const wait_edge&) = delete;
};

using edge_list = two_way_list<wait_edge, &wait_edge::prev, &wait_edge::next>;

/// The edges that were noted on one loop since it last slept.
struct noted_edges {
    spin_lock lock;
    edge_list edges BIDE_GUARDED_BY(lock);
};

/// Notes the edge with the loop that runs the waiter. The waiter calls it before its leaf is visible to a completer.
void note_edge(wait_edge& e) noexcept;
/// Takes the edge out, and returns its verdict or null. The waiter calls it when its wait is over.
std::exception_ptr forget_edge(wait_edge& e) noexcept;
enum class examined : std::uint8_t {
    nothing,
    woke,             // a waiter was woken with would_deadlock
    short_of_memory,  // some edges were not examined: the loop tries again soon
};
/// Publishes what was noted on a loop, and looks for cycles. On the loop's thread.
examined examine_edges(noted_edges& noted) noexcept BIDE_EXCLUDES(noted.lock);
[[nodiscard]] noted_edges& noted_on(loop& l) noexcept;

/// A wait() inside a task of the executor `blocked`, which runs nothing before the wait has ended.
struct nested_wait {
    task_node* waiter;  // the bottom of the wait
    executor* blocked;
    nested_wait* next = nullptr;
    nested_wait(task_node* w, executor* u) noexcept : waiter(w), blocked(u) {}
};
/// What ends the published wait of a chain, as far as the graph knows. `somebody` is false if the graph knows no
/// target; `ex` is the executor on which the target runs, null if that is not known.
struct wait_ender {
    bool somebody = false;
    const executor* ex = nullptr;  // an address to compare: it may be gone
};
[[nodiscard]] wait_ender ender_of(const task_node& n) noexcept;

void publish_nested_wait(nested_wait& w) noexcept;
void withdraw_nested_wait(nested_wait& w) noexcept;

/// A wait(), or a scope in plain code, on this native stack. It is published when it, or a later one on the stack,
/// blocks the thread: before that it keeps no task from running.
class nested_wait_scope {
public:
    nested_wait_scope(thread_state& here, task_node* waiter, executor* under) noexcept
        : here_(here), wait_(waiter, under), outer_(std::exchange(here.nested_wait, this)) {}
    nested_wait_scope(const nested_wait_scope&) = delete;
    nested_wait_scope& operator=(const nested_wait_scope&) = delete;
    ~nested_wait_scope() {
        BIDE_ASSERT(T1, &here_ == &tls());
        here_.nested_wait = outer_;
        if (published_) withdraw_nested_wait(wait_);
    }
    void publish() noexcept {
        for (nested_wait_scope* s = this; s != nullptr && !s->published_; s = s->outer_) {
            if (s->wait_.blocked == nullptr) continue;
            publish_nested_wait(s->wait_);
            s->published_ = true;  // all outer ones are published then, too
        }
    }

private:
    thread_state& here_;
    nested_wait wait_;
    nested_wait_scope* outer_;
    bool published_ = false;
};

/// The base of awaiters whose wait has a known target. Awaiter has `wait_target target() const`.
template <class Awaiter, class Leaf = leaf>
class owned_leaf : public leaf_awaiter<Awaiter, Leaf>, public wait_edge {
public:
    owned_leaf(promise_base& p, const wait_kind& k, const void* o) noexcept : leaf_awaiter<Awaiter, Leaf>(p, k, o) {}
    explicit owned_leaf(promise_base& p) noexcept : leaf_awaiter<Awaiter, Leaf>(p) {}

protected:
    ~owned_leaf() = default;

    /// The awaiter calls it before the leaf is visible to its completer.
    void note() noexcept {
        waiter = this;
        target = &target_of;
        note_edge(*this);
    }
    template <class Lock, class Ready>
    bool park_owned(Lock& lock, leaf_list& list, Ready ready) noexcept {
        note();
        if (this->park_in(lock, list, ready)) return true;
        forget_edge(*this);
        return false;
    }
    template <class Lock>
    void abandon(Lock& lock, leaf_list& list) noexcept {
        if (this->frame == nullptr) {
            BIDE_ASSERT(L2, home == nullptr && !this->linked);
            return;
        }
        if (home != nullptr) forget_edge(*this);
        leaf_awaiter<Awaiter, Leaf>::abandon(lock, list);
    }
    /// The awaiter calls it first in await_resume. Throws would_deadlock if a search has woken the waiter.
    void completed() {
        if (home != nullptr) {
            std::exception_ptr found = forget_edge(*this);
            // `frame` stays set: the waiter may still be in the primitive's list, and abandon() takes it out.
            if (found) [[unlikely]]
                std::rethrow_exception(std::move(found));
        }
        leaf_awaiter<Awaiter, Leaf>::completed();
    }

private:
    static wait_target target_of(const wait_edge& e) noexcept {
        return static_cast<const Awaiter&>(static_cast<const owned_leaf&>(e)).target();
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
