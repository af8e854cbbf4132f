// SPDX-License-Identifier: BSL-1.0
//
// executor.hpp: the one seam. Whatever runs tasks is an executor: a loop, a strand, a pool, or your own.
//
// An executor takes ready nodes (intrusive: post() allocates nothing and cannot fail) and calls run_ready() on each
// of them, once, later, in the order in which they came, never inside post(). Two nodes of one executor may run at
// the same time only if the executor says so; a task is never in two nodes at once.
//
// Thread rule: post() may be called from any thread, also from inside run_ready(). It must not call back into bide.
// Lifetime rule: an executor outlives every task that was started on it; every node posted is run.
// Cancellation does not concern it: a cancelled task is posted like every other, and unwinds inside run_ready().
//
//     struct my_executor final : bide::executor {           // a task runs wherever my_queue is emptied
//         void post(bide::ready_node& node) noexcept override { my_queue.push(&node); }
//         void drain() { while (auto* node = my_queue.pop()) bide::run_ready(*node); }
//         …
//     };
#pragma once

#include <bide/detail/base/capability.hpp>
#include <bide/detail/base/spin_lock.hpp>

#include <cstdint>

namespace bide {
inline namespace v0 {

class loop;

namespace detail {
struct task_node;
enum class step : std::uint8_t { resume, unwind, call };
struct live_list {  // the tasks that were started here and have not ended, for the debug view
    spin_lock lock;
    task_node* first BIDE_GUARDED_BY(lock) = nullptr;
};
struct live_access;
}  // namespace detail

/// Something that is ready to run: a coroutine to be resumed or unwound, or a function of bide's own. `next` belongs
/// to the executor while the node is queued with it.
struct ready_node {
    ready_node* next;
    detail::step what;
};

class executor {
public:
    /// `base`: the executor on which this one runs, for one that only orders work (a strand); it outlives this one.
    explicit executor(const executor* base = nullptr) noexcept;
    executor(const executor&) = delete;
    executor& operator=(const executor&) = delete;

    /// Queues the node; it is run later, by run_ready(), on a thread of the executor's.
    virtual void post(ready_node& node) noexcept = 0;

    /// The loop that carries the timers and the I/O of the tasks that run here. Default: bide's background loop; the
    /// program ends when there is no thread for it.
    virtual loop& carrier() noexcept;

    /// True when this executor cannot go on while `other` stands still: it is the same, or runs on it.
    [[nodiscard]] bool runs_on(const executor& other) const noexcept {
        return this == &other || (base_ != nullptr && base_->runs_on(other));
    }

    /// A word for messages and the debug view.
    [[nodiscard]] virtual const char* name() const noexcept { return "executor"; }

protected:
    virtual ~executor();  // nobody deletes through it; virtual, because a friend could
    /// Takes it out of the debug view; called by a destructor before anything that post() needs is gone.
    void retire() noexcept;

private:
    friend struct detail::live_access;
    friend class loop;
    const executor* base_;
    loop* loop_ = nullptr;  // itself, when it is a loop
    detail::live_list live_;
    executor* prev_ = nullptr;  // the list of all executors
    executor* next_ = nullptr;
    bool listed_ = false;
};

/// Runs one posted node on this thread.
void run_ready(ready_node& node) noexcept;

}  // namespace v0
}  // namespace bide
