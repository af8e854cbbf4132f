// SPDX-License-Identifier: BSL-1.0
//
// A child process: signals to it, and the taking of its status (W3); and the leaf that waits for its end.
//
// Called by process.cpp from any thread. look() runs where the waiting task tries, or on the thread of the loop that
// watches the child's descriptor.
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/io/process_ops.hpp>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

constexpr wait_kind child_kind{"end of a child process"};

int send_signal(int pidfd, int number) noexcept {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0));
}

child_status how(const siginfo_t& info) noexcept { return {info.si_code != CLD_EXITED, info.si_status}; }

}  // namespace

bool child_process::signal(int number) {
    const lock_guard hold(m_);
    if (status_) return false;
    BIDE_ASSERT(W3, !status_);
    int failed = 0;
    descriptor().use([&](int fd) {
        if ((group_ ? ::kill(-id_, number) : send_signal(fd, number)) != 0) failed = errno;
    });
    if (failed == ESRCH) return false;
    if (failed != 0)
        throw std::system_error(std::error_code(failed, std::system_category()), "signal to a child process");
    return true;
}

void child_process::kill_the_rest() noexcept {
    const lock_guard hold(m_);
    kill_the_rest_ = true;
}

std::optional<child_status> child_process::status() const noexcept {
    const lock_guard hold(m_);
    return status_;
}

std::optional<child_status> child_process::look(std::error_code& error) noexcept {
    const lock_guard hold(m_);
    if (status_) return status_;
    const auto pid = static_cast<id_t>(id_);
    siginfo_t info{};
    // W3: the process keeps its number, and its group with it, until its status is taken. So the rest of the group is
    // killed before that.
    if (::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
        error = last_error();
    } else if (info.si_pid != 0) {
        BIDE_ASSERT(W3, info.si_pid == id_);
        if (group_ && kill_the_rest_) {
            BIDE_ASSERT(W3, !status_);  // the number is the child's still
            ::kill(-id_, SIGKILL);
        }
        if (::waitid(P_PID, pid, &info, WEXITED | WNOHANG) == 0)
            status_ = how(info);
        else
            error = last_error();
    }
    return status_;
}

bool child_process::kill_now() noexcept {
    std::error_code error;
    try {
        kill_the_rest();
        if (!signal(SIGKILL)) return true;
        descriptor().use([](int fd) {
            constexpr int a_moment =
                100;  // ms; a killed process ends immediately, unless it is in a system call that cannot be interrupted
            pollfd p{fd, POLLIN, 0};
            ::poll(&p, 1, a_moment);
        });
    } catch (const std::system_error& e) {
        error = e.code();
    }
    return look(error).has_value() || error;
}

void child_process::wait_blocking() noexcept {
    siginfo_t info{};
    BIDE_ASSERT(W3, !status());
    while (::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED) != 0 && errno == EINTR) {}
}

child_process_leaf::child_process_leaf(promise_base& p, child_process& c) noexcept
    : socket_op(p, child_kind, &c.descriptor(), direction::in, &child_process_leaf::look), child_(c) {}

attempt child_process_leaf::look(socket_op& op, int) noexcept {
    auto& self = static_cast<child_process_leaf&>(op);
    self.how_ = self.child_.look(self.error_);
    return self.how_ || self.error_ ? attempt::done : attempt::blocked;
}

child_status child_process_leaf::await_resume() {
    end();
    if (error_) [[unlikely]]
        throw std::system_error(error_, kind->what);
    return *how_;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
