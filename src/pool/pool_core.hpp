// SPDX-License-Identifier: BSL-1.0
//
// pool_core: the workers of a pool: how they find work, sleep, block, begin and end.
//
// Threads and workers: `target_` workers may compute at the same time. A worker whose thread waits inside bide is
// blocked and no longer active; a spare takes its place. When the blocked worker resumes, there may be one active
// worker too many for a while: an idle worker becomes a spare, or the next worker that looks for work does.
#pragma once

#include "pool/idle_workers.hpp"

#include <bide/detail/base/fifo.hpp>
#include <bide/detail/base/os_condition.hpp>
#include <bide/detail/pool/fork_stack.hpp>
#include <bide/detail/pool/work_queue.hpp>
#include <bide/pool.hpp>

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

using ready_queue = work_queue<ready_node>;

/// A thread's word to sleep on.
class parker {
public:
    void wake() noexcept;
    void sleep() noexcept;  // until wake(), which may have been called before

private:
    std::atomic<std::uint32_t> woken_{0};
};

class pool_worker final : public fork_stack, public thread_sleep {
public:
    pool_worker(pool_core& p, unsigned i) noexcept;

    void begin_sleep() noexcept override;
    void end_sleep() noexcept override;
    [[nodiscard]] virtual_clock* clock() const noexcept override { return nullptr; }

    pool_core& core;
    const unsigned index;
    ready_queue queue;
    parker park;
    unsigned turns = 0;

    pool_worker* next_asleep = nullptr;  // guarded by the lock of idle_workers, as `asleep` is
    bool asleep = false;
    // The core's m_ guards these four.
    pool_worker* next_spare = nullptr;
    bool leaves = false;      // the worker is woken to end
    bool has_thread = false;  // its thread has not been joined
    bool ended = false;       // its thread has left run()
    pthread_t thread{};
};

class pool_core {
public:
    pool_core(pool& ex, const pool_options& options);
    ~pool_core();

    void post(ready_node& node) noexcept;
    void stop(stop_reason why) noexcept { work.close(why); }
    void shutdown() BIDE_EXCLUDES(m_);
    void resize(int workers) BIDE_EXCLUDES(m_);
    [[nodiscard]] pool_counts counts() const noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] bool on_own_thread() const noexcept;
    void check_process() const;

    submitted_work work{"this pool"};
    const int process;

private:
    friend class pool_worker;
    static void* thread_main(void* worker) noexcept;
    void run(pool_worker& w) noexcept;
    [[nodiscard]] ready_node* next(pool_worker& w) noexcept;
    [[nodiscard]] ready_node* search(pool_worker& w, bool searching) noexcept;
    [[nodiscard]] ready_node* spin(pool_worker& w) noexcept;
    [[nodiscard]] ready_node* steal(pool_worker& w) noexcept;
    [[nodiscard]] ready_node* last_look(pool_worker& w) noexcept;
    [[nodiscard]] bool some_work() noexcept;
    [[nodiscard]] bool some_forks() noexcept;
    void found() noexcept;
    void wake_one() noexcept;
    [[nodiscard]] bool become_spare(pool_worker& w) noexcept BIDE_EXCLUDES(m_);
    void blocks(pool_worker& w) noexcept BIDE_EXCLUDES(m_);
    void resumes() noexcept BIDE_EXCLUDES(m_);
    void retire_idle_locked() noexcept BIDE_REQUIRES(m_);
    void count_active_locked(int by) noexcept BIDE_REQUIRES(m_);
    void add_spare_locked(pool_worker& w) noexcept BIDE_REQUIRES(m_);
    [[nodiscard]] int active() const noexcept { return active_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool unspare_locked() noexcept BIDE_REQUIRES(m_);
    [[nodiscard]] int start_locked() noexcept BIDE_REQUIRES(m_);
    [[nodiscard]] bool can_attach_thread_locked(pool_worker& w) noexcept BIDE_REQUIRES(m_);
    void delete_workers() noexcept;
    [[nodiscard]] bool quiet() noexcept BIDE_REQUIRES(m_);
    void tell() noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] unsigned made() const noexcept { return made_.load(std::memory_order_acquire); }
    pool_worker& worker(unsigned i) noexcept { return *workers_[i].load(std::memory_order_relaxed); }

    static constexpr unsigned max_threads = 2048;

    pool& ex_;
    const std::string name_;
    const bool pin_;
    const bool forks_;  // the system has membarrier(2), which forks need
    ready_queue outside_;
    idle_workers<pool_worker> idle_workers_;
    std::atomic<std::uint32_t> hungry_{0};
    std::atomic<bool> surplus_{false};  // a hint: more workers are active than target_
    std::array<std::atomic<pool_worker*>, max_threads> workers_{};
    std::atomic<unsigned> made_{0};

    mutable os_mutex m_;
    os_condition changed_;
    std::atomic<bool> closing_{false};  // shutdown() waits until the pool is quiet
    std::atomic<bool> ending_{false};
    bool ended_ BIDE_GUARDED_BY(m_) = false;
    bool joining_ BIDE_GUARDED_BY(m_) = false;
    int target_ BIDE_GUARDED_BY(m_) = 0;
    std::atomic<int> active_{0};  // threads that are no spares and not blocked; written with m_ held
    int blocked_ BIDE_GUARDED_BY(m_) = 0;
    int threads_ BIDE_GUARDED_BY(m_) = 0;  // threads that were started and have not ended
    lifo<pool_worker, &pool_worker::next_spare> spares_ BIDE_GUARDED_BY(m_);
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
