// SPDX-License-Identifier: BSL-1.0
//
// The public pool: each function calls the core. On any thread, but for shutdown() and the destructor, which may not
// run on a thread of the pool. In the child of a fork() the threads do not exist: the destructor leaves the core alone
// there.
#include "kernel/awaited_on.hpp"
#include "pool/pool_core.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/process.hpp>

namespace bide {
inline namespace v0 {

namespace {
pool_options with_workers(int workers) {
    pool_options o;
    // 0 stands for "as many as processors" in the options; a number that was given as such is taken as it is.
    o.workers = workers == 0 ? -1 : workers;
    return o;
}
}  // namespace

pool::pool(int workers) : pool(with_workers(workers)) {}
pool::pool(const pool_options& options) : core_(detail::make_owned<detail::pool_core>(*this, options)) {}

pool::~pool() {
    if (core_->process != detail::process_generation()) {  // the threads do not exist here
        retire();
        static_cast<void>(core_.release());
        return;
    }
    if (core_->on_own_thread())
        detail::fail_fast(
            "a pool was destroyed on one of its own threads, which cannot wait for its own end; destroy it where it "
            "was made, and call stop() in its tasks, which only asks");
    if (detail::awaited_on(*this))
        detail::fail_fast(
            "a pool was destroyed in code that one of its tasks waits for, and would wait for that task's end; destroy "
            "it where it was made, and call stop() in such code, which only asks");
    core_->shutdown();
    retire();
}

void pool::post(ready_node& node) noexcept { core_->post(node); }
void pool::stop(stop_reason why) {
    core_->check_process();
    core_->stop(why);
}
void pool::shutdown() { core_->shutdown(); }
void pool::resize(int workers) { core_->resize(workers); }
pool_counts pool::counts() const { return core_->counts(); }

detail::submitted_work& pool::need_running() {
    core_->check_process();
    return core_->work;
}

}  // namespace v0
}  // namespace bide
