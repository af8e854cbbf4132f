// SPDX-License-Identifier: BSL-1.0
//
// The wait graph: which chain of frames waits for which other, so that a wait that can have no end is seen (1.6).
//
// A wait for a future, a scope, a strand or an owned mutex has somebody to wait *for*. Recording every such wait would
// cost the fast path; so a leaf only notes itself with the loop that runs it, and only when that loop is about to
// sleep (and every turns_between_examinations turns, for one that never does) are the leaves that are still parked
// published here, under one process-wide mutex, and followed:
//     waiting chain -> the producer or owner -> what that one waits for, or the wait() that stands on its loop -> …
// A path that comes back to its beginning is a deadlock: a waiter on it is claimed and woken with would_deadlock.
// Cycles close when their last member is published, whichever thread does that; that one finds it.
//
// What it costs: publishing and forgetting a wait allocates nothing and takes as long for the millionth as for the
// first; one examination follows each wait at most once.
//
// What a search may touch, all of it under the graph's mutex: published edges, their leaves and the frames that stand
// there (a waiter takes that mutex before it leaves, and goes on after it has); the nodes of those chains and of all
// above them, which outlive them; a producer, because who waits for it holds a reference to its node. It never looks
// into the executor of a node that it came to: the node may have ended, and its executor be gone. It compares addresses
// with those of the executors that were alive when the search began.
#pragma once

#include <bide/detail/kernel/leaf.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// Whom a leaf waits for: a chain of frames that is alive, or the holder of an owner id (mutex) and where that one
/// runs.
struct wait_target {
    task_node* node = nullptr;
    std::uint64_t owner = 0;
    executor* ex = nullptr;
    wait_target(task_node* n) noexcept : node(n) {}  // NOLINT(google-explicit-constructor)
    wait_target(std::uint64_t holder, executor* where) noexcept : owner(holder), ex(where) {}
};

struct wait_edge;
/// A loop that always has something ready is examined this often all the same.
inline constexpr unsigned turns_between_examinations = 64;

/// The edges that were noted on one loop since it last slept.
struct noted_edges {
    spin_lock lock;
    wait_edge* first BIDE_GUARDED_BY(lock) = nullptr;
};

/// A wait that has somebody to wait for. Intrusive in the leaf. Most are over before they begin: what has no value here
/// gets one from note_edge().
struct wait_edge {
    leaf* waiter;
    wait_target (*target)(const wait_edge& self) noexcept;
    wait_edge* prev;  // noted: the list of `home`; published: those of the owners with the same hash
    wait_edge* next;
    wait_edge* next_published;    // published by the examination that goes on
    noted_edges* home = nullptr;  // null: not noted, nor published
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

void note_edge(wait_edge& e) noexcept;                  // see owned_leaf::note
std::exception_ptr forget_edge(wait_edge& e) noexcept;  // on leaving the leaf; its verdict, if there is one
enum class examined : std::uint8_t {
    nothing,
    woke,             // a waiter, with would_deadlock
    short_of_memory,  // some could not be looked at: again, soon
};
/// Publishes what was noted on a loop, and looks for cycles. On the loop's thread.
examined examine_edges(noted_edges& noted) noexcept BIDE_EXCLUDES(noted.lock);
[[nodiscard]] noted_edges& noted_on(loop& l) noexcept;

/// A wait() inside a task of `under`, which cannot go on before the wait has ended.
struct nested_wait {
    task_node* waiter;  // the bottom of the wait
    executor* blocked;
    nested_wait* next = nullptr;
    nested_wait(task_node* w, executor* u) noexcept : waiter(w), blocked(u) {}
};
/// Who ends the wait in which a chain stands, as far as the graph knows: nothing (it is not in the graph, or has nobody
/// to wait for), or somebody, who runs there (null: not known).
struct wait_ender {
    bool somebody = false;
    const executor* ex = nullptr;  // an address to compare: it may be gone
};
[[nodiscard]] wait_ender ender_of(const task_node& n) noexcept;

void publish_nested_wait(nested_wait& w) noexcept;
void withdraw_nested_wait(nested_wait& w) noexcept;

/// A wait(), or a scope in plain code, on this stack. It is published when it, or one further up the stack, blocks the
/// thread: until then nobody can wait in vain for what it keeps from running.
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
            s->published_ = true;  // and so is everything further out
        }
    }

private:
    thread_state& here_;
    nested_wait wait_;
    nested_wait_scope* outer_;
    bool published_ = false;
};

/// Awaiters whose wait has somebody to wait for. Awaiter has `wait_target target() const`.
template <class Awaiter, class Leaf = leaf>
class owned_leaf : public leaf_awaiter<Awaiter, Leaf>, public wait_edge {
public:
    owned_leaf(promise_base& p, const wait_kind& k, const void* o) noexcept : leaf_awaiter<Awaiter, Leaf>(p, k, o) {}
    explicit owned_leaf(promise_base& p) noexcept : leaf_awaiter<Awaiter, Leaf>(p) {}

protected:
    ~owned_leaf() = default;

    /// On parking, before the leaf is visible to its completer.
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
    /// First thing in await_resume: throws would_deadlock when that is how the wait ended.
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
