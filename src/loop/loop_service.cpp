// SPDX-License-Identifier: BSL-1.0
//
// The thread of a loop that serves others: it makes the loop, runs it, and ends when a stop was requested and nothing
// is left. The service's own thread runs run(); loop_thread and the background loop call everything else, on any
// thread.
#include "loop/loop_service.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/process.hpp>
#include <bide/detail/kernel/thread_state.hpp>
#include <bide/detail/loop/loop_access.hpp>

#include <pthread.h>

#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
// While it lives, the regions and the set to which this thread belongs know that it is blocked.
class blocked_here {
public:
    blocked_here() noexcept : t_(tls()), region_(std::exchange(t_.blocking, nullptr)), sleep_(t_.sleep) {
        if (region_ != nullptr) region_->begin_blocking();
        if (sleep_ != nullptr) sleep_->begin_sleep();
    }
    blocked_here(const blocked_here&) = delete;
    blocked_here& operator=(const blocked_here&) = delete;
    ~blocked_here() {
        if (sleep_ != nullptr) sleep_->end_sleep();
        if (region_ != nullptr) region_->end_blocking();
        t_.blocking = region_;
    }

private:
    thread_state& t_;
    blocking_region* region_;
    thread_sleep* sleep_;
};

std::string as_the_kernel_shows(std::string name) {
    if (name.size() > 15) name.resize(15);
    return name;
}
}  // namespace

loop_service::loop_service(std::string thread_name)
    : name_(as_the_kernel_shows(std::move(thread_name))), process_(process_generation()) {}

loop_service::~loop_service() { const lock_guard last_job_is_out(m_); }

void loop_service::begin() {
    unique_lock guard(m_);
    stopping_.store(false, std::memory_order_relaxed);  // relaxed: the thread that reads it is made below
    why_.store(stop_reason::none, std::memory_order_relaxed);
    if (made_) loop_access::work_of(*made_).reopen();
    accepts_ = false;
    thread_ = std::thread([this] { run(); });
    ended_ = false;
    while (!accepts_ && !failed_) changed_.wait(guard);
    if (!failed_) return;
    std::thread dead = std::move(thread_);
    const std::exception_ptr failure = std::exchange(failed_, nullptr);
    guard.unlock();
    dead.join();
    std::rethrow_exception(failure);
}

void loop_service::run() noexcept {
    id_.store(std::this_thread::get_id(),
              std::memory_order_relaxed);  // relaxed: compared with the reader's own id only
    pthread_setname_np(pthread_self(), name_.c_str());
    bool serves = false;
    try {
        const lock_guard guard(m_);
        if (!made_) made_ = std::make_unique<loop>();
        loop_.store(made_.get(), std::memory_order_release);
        accepts_ = serves = true;
    } catch (...) {
        const lock_guard guard(m_);
        failed_ = std::current_exception();
    }
    changed_.notify_all();
    if (serves) loop_access::serve(*get(), *this);
    const lock_guard guard(m_);
    id_.store({}, std::memory_order_relaxed);
    ended_ = true;
    changed_.notify_all();  // with m_ held: a thread that join() wakes may destroy this service
}

bool loop_service::on_own_thread() const noexcept {
    return id_.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

bool loop_service::inherited() const noexcept { return process_ != process_generation(); }

void loop_service::stop(stop_reason why) noexcept {
    loop* const l = get();
    if (l == nullptr) return;
    {  // of several calls at once one reason wins, for submitted and for started tasks alike
        const lock_guard guard(m_);
        if (why_.load(std::memory_order_relaxed) == stop_reason::none)
            why_.store(why == stop_reason::none ? stop_reason::user : why, std::memory_order_relaxed);
        why = why_.load(std::memory_order_relaxed);
    }
    // Before stopping_: the loop refuses what is submitted from here on, so the thread misses no work when it looks at stopping_.
    loop_access::work_of(*l).close(why);
    const lock_guard guard(m_);
    if (ended_) return;
    stopping_.store(true, std::memory_order_release);
    loop_access::wake(*l);
}

void loop_service::join() noexcept {
    const blocked_here blocked;
    unique_lock guard(m_);
    while (!ended_ || joining_) changed_.wait(guard);
    if (!thread_.joinable()) return;
    joining_ = true;
    std::thread ended = std::move(thread_);
    guard.unlock();
    ended.join();
    guard.lock();
    joining_ = false;
    changed_.notify_all();
}

bool loop_service::job_begins() noexcept {
    const lock_guard guard(m_);
    if (stopping_.load(std::memory_order_relaxed)) return false;
    jobs_.store(jobs_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return true;
}

void loop_service::job_ended() noexcept {
    const lock_guard guard(m_);
    const long left = jobs_.load(std::memory_order_relaxed) - 1;
    jobs_.store(left, std::memory_order_release);  // release: the service's thread sees what the job did
    if (left == 0 && stopping_.load(std::memory_order_relaxed)) loop_access::wake(*get());
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
