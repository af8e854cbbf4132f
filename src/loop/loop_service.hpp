// SPDX-License-Identifier: BSL-1.0
//
// loop_service: a loop and the thread that runs it, for loop_thread and for bide's loop in the background.
//
// The loop is made by the thread at its first begin (so its time is real, whatever clock a test has), and stays the
// same object afterwards. The thread ends when a stop was requested and nothing is left: no submitted work, no task
// that others started on the loop or on an executor above it, no job that was counted.
#pragma once

#include <bide/detail/base/os_condition.hpp>
#include <bide/loop.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace bide {
inline namespace v0 {
namespace detail {

class loop_service {
public:
    explicit loop_service(std::string thread_name);
    loop_service(const loop_service&) = delete;
    loop_service& operator=(const loop_service&) = delete;
    ~loop_service();  // requires that the service has not begun, or was joined

    /// Returns when the loop accepts work. Throws what making the loop or the thread throws; then nothing has begun.
    void begin() BIDE_EXCLUDES(m_);
    /// Null before the first begin().
    [[nodiscard]] loop* get() const noexcept { return loop_.load(std::memory_order_acquire); }
    [[nodiscard]] bool on_own_thread() const noexcept;
    /// Returns true in the child of a fork() if the parent made the service.
    [[nodiscard]] bool inherited() const noexcept;

    /// Refuses new work and asks every task to stop; the first call's reason stays. Runs stop callbacks of the user's.
    void stop(stop_reason why) noexcept BIDE_EXCLUDES(m_);
    /// Blocks until the thread has ended; from any other thread, several at once.
    void join() noexcept BIDE_EXCLUDES(m_);

    /// Counts a job on another thread: the service's thread does not end before it. Returns false if a stop was
    /// requested.
    [[nodiscard]] bool job_begins() noexcept BIDE_EXCLUDES(m_);
    void job_ended() noexcept BIDE_EXCLUDES(m_);

    // For loop_access::serve.
    [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_acquire); }
    /// The reason of the stop, while stopping() is true.
    [[nodiscard]] stop_reason why() const noexcept { return why_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool has_jobs() const noexcept { return jobs_.load(std::memory_order_acquire) != 0; }

private:
    void run() noexcept BIDE_EXCLUDES(m_);

    const std::string name_;
    const int process_;
    os_mutex m_;
    os_condition changed_;
    std::unique_ptr<loop> made_ BIDE_GUARDED_BY(m_);
    std::atomic<loop*> loop_{nullptr};  // the same, for readers without the mutex
    std::thread thread_ BIDE_GUARDED_BY(m_);
    std::atomic<std::thread::id> id_{};
    std::exception_ptr failed_ BIDE_GUARDED_BY(m_);  // the loop could not be made
    bool accepts_ BIDE_GUARDED_BY(m_) = false;
    bool ended_ BIDE_GUARDED_BY(m_) = true;
    bool joining_ BIDE_GUARDED_BY(m_) = false;
    std::atomic<bool> stopping_{false};
    std::atomic<stop_reason> why_{stop_reason::none};  // written before stopping_ is set, which releases it
    std::atomic<long> jobs_{0};                        // written with the mutex held
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
