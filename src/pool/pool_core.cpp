// SPDX-License-Identifier: BSL-1.0
//
// The workers of a pool. Each worker's thread runs thread_main and run(): next work, else a search, else sleep. Any
// thread calls post, resize, shutdown and counts; a worker that is about to block in a wait calls blocks(), and
// resumes() afterwards. m_ guards the number of threads; the queues and the list of idle workers have locks of their
// own.
#include "pool/pool_core.hpp"
#include "base/os_thread.hpp"
#include "base/static_tls.hpp"
#include "kernel/awaited_on.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/process.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/base/short_spin.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/loop/loop_access.hpp>

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
constexpr unsigned turns_between_looks = 61;  // a busy worker looks at the queue from outside once in so many turns

BIDE_STATIC_TLS constinit thread_local pool_worker* here = nullptr;
[[gnu::noinline]] pool_worker* worker_here() noexcept { return here; }

unsigned processors() noexcept {
    static const unsigned n = std::max(1u, std::thread::hardware_concurrency());
    return n;
}
}  // namespace

// ---- sleeping -------------------------------------------------------------------------------------------------------

void parker::wake() noexcept {
    // release: the sleeper sees what the waker wrote before.
    if (woken_.exchange(1, std::memory_order_release) == 0)
        ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&woken_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}
void parker::sleep() noexcept {
    static_assert(sizeof(woken_) == sizeof(std::uint32_t), "the futex word is the atomic itself");
    while (woken_.exchange(0, std::memory_order_acquire) == 0)
        ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&woken_), FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
}

// ---- making and ending ----------------------------------------------------------------------------------------------

pool_worker::pool_worker(pool_core& p, unsigned i) noexcept : fork_stack(p.ex_, p.hungry_, queue), core(p), index(i) {}

pool_core::pool_core(pool& ex, const pool_options& options)
    : process(process_generation()),
      ex_(ex),
      name_(options.name.substr(0, 15)),
      pin_(options.pin),
      forks_(membarrier::usable()) {
    try {
        resize(options.workers == 0 ? static_cast<int>(processors()) : options.workers);
    } catch (...) {
        shutdown();
        delete_workers();
        throw;
    }
}

pool_core::~pool_core() { delete_workers(); }

void pool_core::delete_workers() noexcept {
    for (unsigned i = 0; i < made(); ++i) delete &worker(i);
}

void pool_core::check_process() const {
    if (process != process_generation())
        throw usage_error(
            "this pool was made before fork(): its threads do not exist in the child; make a new pool in the child, or "
            "make pools after forking");
}

bool pool_core::on_own_thread() const noexcept {
    const pool_worker* const w = worker_here();
    return w != nullptr && &w->core == this;
}

void pool_core::count_active_locked(int by) noexcept {
    active_.store(active() + by, std::memory_order_relaxed);  // relaxed: under the lock, elsewhere a hint
    surplus_.store(active() > target_, std::memory_order_relaxed);
}

// Returns true if the worker can get a new thread. Not before its former thread has ended, which may still destroy
// thread_locals of the user's that use the pool.
bool pool_core::can_attach_thread_locked(pool_worker& w) noexcept {
    if (!w.has_thread) return true;
    if (!w.ended || pthread_tryjoin_np(w.thread, nullptr) != 0) return false;
    w.has_thread = w.ended = false;
    return true;
}

// Starts a thread for a worker. Returns 0, or an error number as pthread_create does.
int pool_core::start_locked() noexcept {
    pool_worker* w = nullptr;
    const unsigned n = made_.load(std::memory_order_relaxed);  // relaxed: written under the lock
    for (unsigned i = 0; i < n && w == nullptr; ++i)
        if (can_attach_thread_locked(worker(i))) w = &worker(i);
    if (w == nullptr) {
        if (n == max_threads) return EAGAIN;
        w = new (std::nothrow) pool_worker(*this, n);
        if (w == nullptr) return ENOMEM;
        workers_[n].store(w, std::memory_order_relaxed);
        made_.store(n + 1, std::memory_order_release);
    }
    w->leaves = false;
    const int error = start_thread(w->thread, &pool_core::thread_main, w);
    if (error != 0) return error;
    w->has_thread = true;
    ++threads_;
    count_active_locked(1);
    return 0;
}

// Wakes a spare, which then searches. Returns false if there is none.
bool pool_core::unspare_locked() noexcept {
    pool_worker* const w = spares_.pop();
    if (w == nullptr) return false;
    count_active_locked(1);
    idle_workers_.begin_search();
    hungry_.fetch_add(1, std::memory_order_relaxed);  // relaxed: ask() orders it, see fork_stack::set_limit
    w->park.wake();
    return true;
}

void pool_core::add_spare_locked(pool_worker& w) noexcept {
    count_active_locked(-1);
    spares_.push(w);
}

// Idle workers become spares before busy ones do: they sleep already.
void pool_core::retire_idle_locked() noexcept {
    while (active() > target_) {
        pool_worker* const w = idle_workers_.remove_one();
        if (w == nullptr) break;
        hungry_.fetch_sub(1, std::memory_order_relaxed);
        add_spare_locked(*w);
    }
}

void pool_core::resize(int workers) {
    check_process();
    if (workers < 1 || workers > pool::max_workers)
        throw std::invalid_argument("pool: the number of workers is between 1 and " +
                                    std::to_string(pool::max_workers) + ", not " + std::to_string(workers));
    const lock_guard guard(m_);
    if (ending_.load(std::memory_order_relaxed)) throw not_running("pool::resize: it has been shut down");
    const int before = std::exchange(target_, workers);
    while (active() < target_) {
        if (unspare_locked()) continue;
        if (const int error = start_locked(); error != 0) {
            target_ = before;
            count_active_locked(0);
            throw std::system_error(error, std::generic_category(), "pool: no more threads can be made");
        }
    }
    count_active_locked(0);
    retire_idle_locked();
    // There are no more spares than blocked threads, whose places they take: the others end.
    int kept = 0;
    for (pool_worker* at = spares_.first(); at != nullptr;) {
        pool_worker* const w = std::exchange(at, at->next_spare);
        if (++kept <= blocked_) continue;
        spares_.remove(*w);
        w->leaves = true;
        w->park.wake();
    }
}

// The worker's thread is about to block inside bide: a spare or a new thread takes its place.
void pool_core::blocks(pool_worker& w) noexcept {
    w.share_all();
    {
        const lock_guard guard(m_);
        ++blocked_;
        count_active_locked(-1);
        // If no thread can be made, the work waits for a worker that has time.
        if (active() < target_ && !unspare_locked()) static_cast<void>(start_locked());
    }
    if (some_work()) wake_one();
}

void pool_core::resumes() noexcept {
    {
        const lock_guard guard(m_);
        --blocked_;
        count_active_locked(1);
        retire_idle_locked();
    }
    tell();
}

void pool_worker::begin_sleep() noexcept { core.blocks(*this); }
void pool_worker::end_sleep() noexcept { core.resumes(); }

void pool_core::shutdown() {
    if (on_own_thread())
        throw would_deadlock(
            "pool::shutdown on a thread of this pool: it would wait for itself; call it where the pool was made, and "
            "stop(), which only asks, in its tasks");
    check_process();
    if (awaited_on(ex_))
        throw would_deadlock(
            "pool::shutdown in code that a task of this pool waits for: it would wait for that task's end; stop() only "
            "asks");
    stop(stop_reason::shutdown);
    static_cast<void>(current_context());  // a child of a fork that blocks gets its own node (F2)
    thread_state& t = tls();
    blocking_region* const region = std::exchange(t.blocking, nullptr);
    thread_sleep* const sleep = t.sleep;
    if (region != nullptr) region->begin_blocking();
    if (sleep != nullptr) sleep->begin_sleep();
    {
        unique_lock guard(m_);
        closing_.store(true, std::memory_order_seq_cst);
        while (!ended_ && (joining_ || !quiet())) changed_.wait(guard);
        if (!ended_) {
            joining_ = true;
            ending_.store(true, std::memory_order_release);
            while (pool_worker* const w = spares_.pop()) {
                w->leaves = true;
                w->park.wake();
            }
            guard.unlock();
            while (pool_worker* w = idle_workers_.take_any()) w->park.wake();
            for (unsigned i = 0; i < made(); ++i)
                if (worker(i).has_thread) pthread_join(worker(i).thread, nullptr);
            guard.lock();
            ended_ = true;
            changed_.notify_all();
        }
    }
    if (sleep != nullptr) sleep->end_sleep();
    if (region != nullptr) region->end_blocking();
    t.blocking = region;
}

// Returns true if nothing that was submitted or started here is alive, and no worker does anything.
bool pool_core::quiet() noexcept {
    if (!work.empty() || blocked_ != 0 || idle_workers_.count() != static_cast<std::uint32_t>(active()) || some_work())
        return false;
    live_list& live = live_access::of(ex_);
    const lock_guard guard(live.lock);
    return live.first == nullptr;
}

void pool_core::tell() noexcept {
    if (!closing_.load(std::memory_order_seq_cst)) return;
    const lock_guard guard(m_);
    changed_.notify_all();
}

pool_counts pool_core::counts() const noexcept {
    const lock_guard guard(m_);
    return {target_, threads_, blocked_, static_cast<int>(idle_workers_.count())};
}

// ---- work -----------------------------------------------------------------------------------------------------------

void pool_core::post(ready_node& node) noexcept {
    pool_worker* const w = worker_here();
    ready_queue& queue = w != nullptr && &w->core == this ? w->queue : outside_;
    // TRAP: once the queue's lock is given back, another worker may run the node, and the pool may end with it. So the
    // idle worker is taken under that lock; the pool does not end before a worker that was taken is awake.
    pool_worker* const up =
        queue.push(node, [this] { return idle_workers_.needs_wake() ? idle_workers_.take_one() : nullptr; });
    if (up != nullptr) up->park.wake();
}

void pool_core::wake_one() noexcept {
    if (pool_worker* const w = idle_workers_.take_one()) w->park.wake();
}

bool pool_core::some_work() noexcept {
    if (!outside_.empty()) return true;
    const unsigned n = made();
    for (unsigned i = 0; i < n; ++i)
        if (!worker(i).queue.empty()) return true;
    return false;
}

// Returns true if a worker keeps forks. A worker shares one fork, and the next one only after that was taken: the
// worker that took it looks here.
bool pool_core::some_forks() noexcept {
    const unsigned n = made();
    for (unsigned i = 0; i < n; ++i)
        if (worker(i).keeps_some()) return true;
    return false;
}

ready_node* pool_core::next(pool_worker& w) noexcept {
    if (++w.turns % turns_between_looks == 0)
        if (ready_node* const n = outside_.pop()) return n;
    if (ready_node* const n = w.queue.pop()) return n;
    return outside_.pop();
}

ready_node* pool_core::steal(pool_worker& w) noexcept {
    if (ready_node* const n = outside_.pop()) return n;
    const unsigned n = made();
    for (unsigned i = 1; i < n; ++i)
        if (ready_node* const stolen = worker((w.index + i) % n).queue.pop()) return stolen;
    return nullptr;
}

ready_node* pool_core::spin(pool_worker& w) noexcept {
    if (ready_node* const n = steal(w)) return n;
    // Only where another processor is free: else the thread that could make work ready waits for this one's.
    if (active() - static_cast<int>(hungry_.load(std::memory_order_relaxed)) >= static_cast<int>(processors()))
        return nullptr;
    const auto until = std::chrono::steady_clock::now() + short_spin::limit;
    do {
        for (unsigned round = 0; round < 32; ++round) {
            unsigned pause = 0;
            spin_wait(pause);
        }
        if (ready_node* const n = steal(w)) return n;
    } while (std::chrono::steady_clock::now() < until);
    return nullptr;
}

// The worker has entered the list of idle workers. Here it sees each node that was pushed before the pusher could see
// this worker there, and each fork that was made before the forking worker could see that this one is hungry (F7).
ready_node* pool_core::last_look(pool_worker& w) noexcept {
    if (ready_node* const n = steal(w)) return n;
    const unsigned n = made();
    for (unsigned i = 0; i < n; ++i)
        if (i != w.index) worker(i).ask();
    membarrier::heavy();
    for (unsigned i = 1; i < n; ++i)
        while (worker((w.index + i) % n).raid())
            if (ready_node* const mine = w.queue.pop()) return mine;  // else another worker was faster: raid again
    for (unsigned i = 0; i < n; ++i)
        if (!worker(i).queue.empty())
            if (ready_node* const stolen = worker(i).queue.pop()) return stolen;
    return outside_.empty() ? nullptr : outside_.pop();
}

void pool_core::found() noexcept {
    BIDE_ASSERT(F7, hungry_.load(std::memory_order_relaxed) != 0);
    hungry_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: see fork_stack::set_limit
    if (idle_workers_.end_search() && (some_work() || some_forks())) wake_one();
}

// Returns null if the worker is to become a spare, or to end. `searching`: the thread that woke it has counted it as
// searching and hungry.
ready_node* pool_core::search(pool_worker& w, bool searching) noexcept {
    if (!searching) {
        idle_workers_.begin_search();
        hungry_.fetch_add(1, std::memory_order_relaxed);  // relaxed: ask() orders it, see fork_stack::set_limit
    }
    for (;;) {
        if (ready_node* const n = spin(w)) {
            found();
            return n;
        }
        if (surplus_.load(std::memory_order_relaxed) || ending_.load(std::memory_order_acquire)) {
            found();
            return nullptr;
        }
        BIDE_ASSERT(F7, hungry_.load(std::memory_order_relaxed) != 0);  // counted before the last look
        idle_workers_.enter(w);
        if (ready_node* const n = last_look(w)) {
            if (idle_workers_.leave(w)) {
                found();
                return n;
            }
            // Another thread has taken this worker out: to wake it, or to make it a spare, which may sleep for long. So
            // the node goes to a worker that is awake.
            post(*n);
        } else {
            tell();
        }
        w.park.sleep();
        const lock_guard guard(m_);
        if (w.leaves) return nullptr;  // it became a spare in its sleep, and was woken to end
    }
}

// Called by a worker that is one too many, or is to end: it sleeps as a spare, or returns at once. Returns true if it
// was woken as a spare: to end if `leaves` is set, else to search.
bool pool_core::become_spare(pool_worker& w) noexcept {
    bool ends = false;  // a copy: of a spare, shutdown() may set w.leaves as soon as the mutex is given back
    {
        const lock_guard guard(m_);
        if (w.leaves) return false;
        const bool ending = ending_.load(std::memory_order_relaxed);
        if (!ending && active() <= target_) return false;
        int spares = 0;
        for (const pool_worker* s = spares_.first(); s != nullptr; s = s->next_spare) ++spares;
        w.leaves = ends = ending || spares >= blocked_;
        if (ends)
            count_active_locked(-1);
        else
            add_spare_locked(w);
    }
    if (some_work()) wake_one();  // for the nodes in this worker's own queue
    if (ends) return false;
    tell();
    w.park.sleep();
    return true;
}

void pool_core::run(pool_worker& w) noexcept {
    bool searching = false;
    for (;;) {
        ready_node* n = nullptr;
        if (searching || !surplus_.load(std::memory_order_relaxed)) {  // relaxed: a hint
            if (!searching) n = next(w);
            if (n == nullptr) n = search(w, std::exchange(searching, false));
        }
        if (n == nullptr) {
            searching = become_spare(w);
            {
                const lock_guard guard(m_);
                if (w.leaves) return;
            }
            if (searching || (n = next(w)) == nullptr) continue;
        }
        BIDE_ASSERT(K5, !tls().suspended);
        run_ready(*n);
        w.post_opened();
        BIDE_ASSERT(F3, w.nothing_forked());
    }
}

void* pool_core::thread_main(void* with) noexcept {
    auto& w = *static_cast<pool_worker*>(with);
    pool_core& of = w.core;
    name_this_thread(of.name_.c_str());
    if (of.pin_) {
        cpu_set_t allowed;
        cpu_set_t mine;
        CPU_ZERO(&mine);
        if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
            auto left = static_cast<int>(w.index) % CPU_COUNT(&allowed);
            for (int c = 0; c < CPU_SETSIZE; ++c)
                if (CPU_ISSET(c, &allowed) && left-- == 0) CPU_SET(c, &mine);
            sched_setaffinity(0, sizeof mine, &mine);  // if this is refused, the thread runs where the system puts it
        }
    }
    here = &w;
    thread_state& t = tls();
    t.running = &of.ex_;
    t.sleep = &w;
    if (of.forks_) t.forks = &w;
    of.run(w);
    t.forks = nullptr;
    t.sleep = nullptr;
    t.running = nullptr;
    here = nullptr;
    const lock_guard guard(of.m_);
    --of.threads_;
    w.ended = true;
    of.changed_.notify_all();
    return nullptr;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
