// SPDX-License-Identifier: BSL-1.0
//
// The public face of the sets of threads: class threads over job_threads, and the free functions over the default set.
// Any thread may call them; the set itself is in job_threads.cpp.
#include <bide/threads.hpp>

#include "threads/job_threads.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/kernel/background.hpp>
#include <bide/detail/threads/default_threads.hpp>

namespace bide {
inline namespace v0 {

threads::threads() : threads(threads_options{}) {}
threads::threads(const threads_options& options) : set_(new detail::job_threads(options)) {}
threads::~threads() {
    if (set_->inherited()) return;  // the child of a fork(): the threads are the parent's
    if (set_->called_inside()) detail::fail_fast("threads destroyed in one of their own jobs: they would wait for it");
    delete set_;
}
void threads::set_max(int n) {
    set_->check_process();
    set_->set_max(n);
}
int threads::max() const { return set_->max(); }
void threads::shutdown() { set_->shut_down(false); }
threads_counts threads::counts() const { return set_->counts(); }

void set_max_threads(int n) { detail::default_threads().set_max(n); }
int max_threads() { return detail::default_threads().max(); }

void shutdown() {
    detail::job_threads* const jobs = detail::made_default_threads();
    if (jobs != nullptr) jobs->shut_down(true);
    detail::shutdown_background();
    if (jobs != nullptr) jobs->shut_down(true);  // jobs that cleanup on the background loop submitted
}

}  // namespace v0
}  // namespace bide
