// SPDX-License-Identifier: BSL-1.0
//
// executor.hpp: what runs tasks. A loop, a strand and a pool are executors; you can write one of your own.
//
// bide posts ready nodes to an executor. A node is intrusive, so post() allocates nothing and cannot fail. The executor
// calls run_ready() once on each node, later, in the order of posting, and never inside post(). It runs two nodes at
// the same time only if its kind promises that, as a pool's does. bide never posts a task in two nodes at once.
//
// Thread rule: any thread may call post(), also one that is inside run_ready(). post() must not call back into bide.
// Lifetime rule: an executor outlives every task that was started on it, and runs every node that was posted.
// Cancellation: an executor has nothing to do for it. A cancelled task is posted like every other, and is unwound
//   inside run_ready().
// Destructor: a class that derives from executor calls retire() first in its destructor. Errors: none; post() and
//   run_ready() do not throw.
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

/// Something that is ready to run: a coroutine to be resumed or unwound, or a function of bide's. The executor may use
/// `next` for its queue from post() until it calls run_ready().
struct ready_node {
    ready_node* next;
    detail::step what;
};

class executor {
public:
    /// `base` is the executor on which this one runs, for an executor that only orders work, as a strand does. It
    /// outlives this one.
    explicit executor(const executor* base = nullptr) noexcept;
    executor(const executor&) = delete;
    executor& operator=(const executor&) = delete;

    /// Queues the node, on which the executor calls run_ready() later, on one of its threads.
    virtual void post(ready_node& node) noexcept = 0;

    /// The loop that serves the timers and the I/O of the tasks that run here. Default: bide's background loop; the
    /// program ends with a message if the system refuses a thread for that.
    virtual loop& carrier() noexcept;

    /// Returns true if this executor is `other`, or runs on it, so that it runs nothing while `other` is blocked.
    [[nodiscard]] bool runs_on(const executor& other) const noexcept {
        return this == &other || (base_ != nullptr && base_->runs_on(other));
    }

    /// A word for messages and the debug view.
    [[nodiscard]] virtual const char* name() const noexcept { return "executor"; }

protected:
    virtual ~executor();  // nobody deletes through it; virtual, because a friend could
    /// Takes the executor out of the debug view. A derived class's destructor calls it before it destroys what post()
    /// needs.
    void retire() noexcept;

private:
    friend struct detail::live_access;
    friend class loop;
    const executor* base_;
    loop* loop_ = nullptr;  // this executor itself if it is a loop, else null
    detail::live_list live_;
    executor* prev_ = nullptr;  // the list of all executors
    executor* next_ = nullptr;
    bool listed_ = false;
};

/// Runs one posted node on the calling thread, until its task suspends or ends. The executor calls it once per posted
/// node.
void run_ready(ready_node& node) noexcept;

}  // namespace v0
}  // namespace bide
