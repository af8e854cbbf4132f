// SPDX-License-Identifier: BSL-1.0
//
// child: a process that this one has started and whose status nobody has taken yet; and the leaf that waits for its
// descriptor (pidfd), which becomes readable when it ends.
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

/// As waitid() says it.
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
    /// False: it has ended.
    bool signal(int number);
    /// When it ends, what is left of its group is killed.
    void kill_the_rest() noexcept;
    /// Takes the status if it has ended. Empty and no error: it has not.
    [[nodiscard]] std::optional<child_status> look(std::error_code& error) noexcept;
    [[nodiscard]] std::optional<child_status> status() const noexcept;
    /// Kills it, and waits a moment for its end. False: it is not over yet.
    [[nodiscard]] bool kill_now() noexcept;
    void wait_blocking() noexcept;

private:
    const pid_t id_;
    const socket_owner pidfd_;
    const bool group_;
    mutable os_mutex m_;  // over the rest, and over signals: a process whose status was taken is nobody's
    bool kill_the_rest_ = false;
    std::optional<child_status> status_;
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
