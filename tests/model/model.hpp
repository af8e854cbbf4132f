// SPDX-License-Identifier: BSL-1.0
//
// What the model checks share: atomics, plain variables, a lock and a waiter whose every access Relacy watches, so that
// the templates of include/bide/detail run under it as they are.
//
// Traps of Relacy: it is included last (it makes macros of memory_order_*, new, delete, assert, which are undone here);
// its output must go to a file; it cannot run under ASan.
#pragma once

#include <bide/detail/base/waiting_list.hpp>
#include <bide/detail/kernel/parking_word.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#endif
#include <relacy/relacy.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno

// Relacy replaces operator delete, but not the one with a size, which std::allocator calls. (One source per program.)
void operator delete(void* p, std::size_t) noexcept { ::operator delete(p); }
void operator delete[](void* p, std::size_t) noexcept { ::operator delete[](p); }

namespace model {

inline rl::debug_info here() { return rl::debug_info("", "", 0); }

inline rl::memory_order order(std::memory_order o) {
    switch (o) {
        case std::memory_order_relaxed:
            return rl::mo_relaxed;
        case std::memory_order_consume:
            return rl::mo_consume;
        case std::memory_order_acquire:
            return rl::mo_acquire;
        case std::memory_order_release:
            return rl::mo_release;
        case std::memory_order_acq_rel:
            return rl::mo_acq_rel;
        case std::memory_order_seq_cst:
            break;
    }
    return rl::mo_seq_cst;
}

/// std::atomic under the model checker.
template <class T>
class atomic {
public:
    atomic(T v) : a_(v) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;
    T load(std::memory_order o) const { return a_.load(order(o), here()); }
    void store(T v, std::memory_order o) { a_.store(v, order(o), here()); }
    T exchange(T v, std::memory_order o) { return a_.exchange(v, order(o), here()); }
    T fetch_add(T v, std::memory_order o) { return a_.fetch_add(v, order(o), here()); }
    T fetch_sub(T v, std::memory_order o) { return a_.fetch_sub(v, order(o), here()); }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order yes, std::memory_order no) {
        return a_.compare_exchange_strong(expected, desired, order(yes), here(), order(no), here());
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order yes, std::memory_order no) {
        return a_.compare_exchange_weak(expected, desired, order(yes), here(), order(no), here());
    }

private:
    rl::atomic<T> a_;
};

/// A plain variable: two accesses that are not ordered, one of them a write, are found as a data race.
template <class T>
class var {
public:
    var() : var(T()) {}
    var(T v) : v_(v) {}
    var(const var&) = delete;
    var& operator=(const var&) = delete;
    var& operator=(T v) {
        v_(here()).store(v);
        return *this;
    }
    operator T() const { return v_(here()).load(); }
    T operator->() const { return v_(here()).load(); }

private:
    rl::var<T> v_;
};

/// The primitive's lock.
class spin_lock {
public:
    void lock() { m_.lock(here()); }
    void unlock() { m_.unlock(here()); }

private:
    rl::mutex m_;
};
template <class Lock>
class holding {
public:
    explicit holding(Lock& l) : lock_(l) { lock_.lock(); }
    holding(const holding&) = delete;
    holding& operator=(const holding&) = delete;
    ~holding() { lock_.unlock(); }

private:
    Lock& lock_;
};

/// The chain of frames of a task, as far as waiting goes: its parking word, and what happens when it is posted. The
/// executor is left out: the thread that posts a task runs it at once, which is the earliest that it could run.
class chain;
struct leaf {
    explicit leaf(chain& c) : waiting_chain(&c) {}
    leaf(const leaf&) = delete;
    leaf& operator=(const leaf&) = delete;
    ~leaf() { next = nullptr; }  // as memory of others: who follows it after that loses the rest of the list
    var<leaf*> prev{nullptr};
    var<leaf*> next{nullptr};
    var<bool> linked{false};
    var<chain*> waiting_chain;  // read by the thread that takes the leaf out
    inline bool publish();
    inline bool claim();
    inline void resume();
};
class chain {
public:
    chain() = default;
    chain(const chain&) = delete;
    chain& operator=(const chain&) = delete;
    virtual ~chain() = default;
    bide::detail::parking_word<leaf, atomic> word;
    var<int> posted{0};  // not atomic: a task is in one queue at a time
    virtual void resumed() = 0;
    virtual void unwound() = 0;

    void post(bool resume) {
        posted = posted + 1;
        if (resume) {
            resumed();
        } else {
            RL_ASSERT(must_stop());
            unwound();
        }
    }
    /// A stop request; the only one of its chain.
    void stop() {
        reason_ = 1;
        if (leaf* l = word.request()) l->waiting_chain->post(false);
    }
    /// What a leaf looks at on entry. A task that sees the request sees its reason.
    [[nodiscard]] bool must_stop() const {
        if (!word.requested()) return false;
        RL_ASSERT(reason_ == 1);
        return true;
    }

private:
    var<int> reason_{0};
};
bool leaf::publish() { return waiting_chain->word.park(*this); }
bool leaf::claim() { return waiting_chain->word.claim(*this); }
void leaf::resume() { waiting_chain->post(true); }

using waiting_list = bide::detail::waiting_list<leaf, var>;
using claimed = bide::detail::claimed_waiters<leaf>;

/// leaf_awaiter::park_in (where a post only queues, and may so be under the lock), and what its destructor does when
/// the wait was not completed.
template <class Lock, class Ready>
bool park_in(Lock& l, waiting_list& list, leaf& at, Ready ready) {
    {
        const holding hold(l);
        if (ready()) return false;
        if (list.park(at)) return true;
    }
    at.waiting_chain->post(false);
    return true;
}
template <class Lock>
void abandon(Lock& l, waiting_list& list, leaf& at) {
    const holding hold(l);
    if (at.linked) list.remove(at);
}

inline int failures = 0;

/// Explores one test: all of it, or as far as `bound` switches away from a thread that could go on.
template <class Test>
void explore(const std::string& name, unsigned bound = 0) {
    std::ofstream quiet("/dev/null");  // an ostringstream would be destroyed twice
    rl::test_params p;
    p.output_stream = &quiet;
    p.progress_stream = &quiet;
    p.iteration_count = 100'000'000;
    p.execution_depth_limit = 20'000;
    p.search_type = bound == 0 ? rl::sched_full : rl::sched_bound;
    p.context_bound = bound;
    const bool good = rl::simulate<Test>(p);
    const std::string how = bound == 0 ? "exhaustive" : "up to " + std::to_string(bound) + " preemptions";
    std::cout << "model: " << name << ": " << p.stop_iteration << " interleavings, " << how << ": "
              << (good ? "holds" : std::string("FAILS, ") + rl::test_result_str(p.test_result)) << std::endl;
    if (good) return;
    ++failures;
    p.output_stream = &std::cout;  // once more, with the history of the one that fails
    p.initial_state = p.final_state;
    p.collect_history = true;
    p.output_history = true;
    rl::simulate<Test>(p);
}

}  // namespace model
