// SPDX-License-Identifier: BSL-1.0
//
// child_process: a process that this one has started; and the leaf that waits for its end. The kernel makes the
// descriptor of the process (pidfd) readable when the process ends.
//
// Rule W3: the process keeps its number, and its group with it, until its status is taken. Taking it and sending
// signals therefore exclude each other, by m_.
//
// Thread rule: any thread, but one child_process_leaf at a time.
#pragma once

#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/io/byte_ops.hpp>

#include <sys/types.h>
#include <optional>
#include <source_location>

namespace bide {
inline namespace v0 {

class exit_status;

namespace detail {

/// How a process has ended, as waitid() reports it.
struct child_status {
    bool by_signal;
    int value;
};

class child_process {
public:
    child_process(pid_t id, socket_owner pidfd, bool group) noexcept
        : id_(id), pidfd_(std::move(pidfd)), group_(group) {}
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process() = default;  // leaves the process alone

    [[nodiscard]] pid_t id() const noexcept { return id_; }
    [[nodiscard]] socket_state& descriptor() const noexcept { return *pidfd_.get(); }
    /// Returns false if the status was taken, or the system has no such process.
    bool signal(int number) BIDE_EXCLUDES(m_);
    /// From now on look() kills what is left of the process's group before it takes the status.
    void kill_the_rest() noexcept BIDE_EXCLUDES(m_);
    /// Takes the status if the process has ended. Returns nothing and no error if it has not.
    [[nodiscard]] std::optional<child_status> look(std::error_code& error) noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] std::optional<child_status> status() const noexcept BIDE_EXCLUDES(m_);
    /// Kills the process (with its group), and blocks for at most 100 ms until it has ended. Returns false if it has
    /// not.
    [[nodiscard]] bool kill_now() noexcept BIDE_EXCLUDES(m_);
    /// Blocks the calling thread until the process has ended, and drops its status.
    void wait_blocking() noexcept BIDE_EXCLUDES(m_);

private:
    const pid_t id_;
    const socket_owner pidfd_;
    const bool group_;
    mutable os_mutex m_;  // also held while a signal is sent (W3)
    bool kill_the_rest_ BIDE_GUARDED_BY(m_) = false;
    std::optional<child_status> status_ BIDE_GUARDED_BY(m_);
};

class child_process_leaf : public socket_op {
public:
    child_process_leaf(promise_base& p, child_process& c) noexcept;
    child_status await_resume();

private:
    static attempt look(socket_op& op, int fd) noexcept;
    child_process& child_;
    std::optional<child_status> how_;
};

class child_process_op {
public:
    explicit child_process_op(child_process& c) noexcept : child_(&c) {}
    [[nodiscard]] child_process_leaf native_awaiter(promise_base& p) const noexcept {
        return child_process_leaf(p, *child_);
    }

private:
    child_process* child_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
