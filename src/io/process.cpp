// SPDX-License-Identifier: BSL-1.0
#include <bide/combine.hpp>
#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/background.hpp>
#include <bide/io/process.hpp>
#include <bide/loop.hpp>
#include <bide/shield.hpp>
#include <bide/time.hpp>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

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
    // It keeps its number until its status is taken, and its group with it: so the rest of that is killed before.
    if (::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
        error = last_error();
    } else if (info.si_pid != 0) {
        if (group_ && kill_the_rest_) ::kill(-id_, SIGKILL);
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
            constexpr int a_moment = 100;  // ms; a killed process ends at once, unless the kernel is busy with it
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

namespace {
task<> take_status(std::unique_ptr<child_process> c) {
    try {
        static_cast<void>(co_await child_process_op(*c));
    } catch (const std::system_error&) {  // somebody else has taken it
    }
}
void leave_to_background(std::unique_ptr<child_process> c) {
    static_cast<void>(background_loop().submit(take_status, std::move(c)));
}
}  // namespace

}  // namespace detail

// ---- status ---------------------------------------------------------------------------------------------------------

std::string exit_status::to_string() const {
    if (!by_signal_) return "exit status " + std::to_string(value_);
    const char* name = ::sigdescr_np(value_);
    return "killed by signal " + std::to_string(value_) + (name != nullptr ? " (" + std::string(name) + ")" : "");
}

// ---- process --------------------------------------------------------------------------------------------------------

process::process() noexcept = default;
process::process(process&&) noexcept = default;
process& process::operator=(process&& other) noexcept {
    if (this != &other) {
        process former = std::move(*this);
        input = std::move(other.input);
        output = std::move(other.output);
        error = std::move(other.error);
        child_ = std::move(other.child_);
    }
    return *this;
}

process::~process() {
    if (child_ == nullptr || child_->status() || child_->kill_now()) return;
    detail::child_process* const c = child_.get();
    try {
        detail::leave_to_background(std::move(child_));
    } catch (...) {
        c->wait_blocking();
    }
}

void process::detach() {
    static_cast<void>(checked());
    if (!child_->status()) detail::leave_to_background(std::move(child_));
    child_.reset();
}

detail::child_process& process::checked() const {
    if (child_ == nullptr) [[unlikely]]
        throw usage_error("this process is empty: it was moved from, detached or default-constructed");
    return *child_;
}

pid_t process::id() const { return checked().id(); }
bool process::signal(int number) { return checked().signal(number); }
std::optional<exit_status> process::status() const {
    const std::optional<detail::child_status> how = checked().status();
    if (!how) return {};
    return exit_status(how->by_signal, how->value);
}

task<exit_status> process::exited() {
    detail::child_process& c = checked();
    const detail::child_status how = co_await detail::child_process_op(c);
    co_return exit_status(how.by_signal, how.value);
}

task<exit_status> process::terminate(std::chrono::nanoseconds grace) {
    detail::child_process& c = checked();
    c.kill_the_rest();
    std::optional<exit_status> how;
    if (c.signal(SIGTERM)) {
        c.signal(SIGCONT);  // one that was stopped cannot end otherwise
        try {
            how = co_await with_timeout(grace, exited());
        } catch (const timed_out&) {
            c.signal(SIGKILL);
        }
    }
    if (!how) how = co_await exited();
    co_return *how;
}

namespace {
task<> end_unless_ended(process& p, std::chrono::nanoseconds grace) {
    if (p.status()) co_return;
    try {
        static_cast<void>(co_await p.terminate(grace));
    } catch (const std::system_error&) {  // its status is somebody else's: exited() has said so
    }
}
}  // namespace

task<exit_status> process::join(std::chrono::nanoseconds grace) {
    auto cleanup = [this, grace] { return end_unless_ended(*this, grace); };
    co_return co_await finally(exited(), cleanup, std::chrono::steady_clock::duration::max());
}

// ---- run_process ----------------------------------------------------------------------------------------------------

namespace {

task<> feed(pipe_writer& to, const std::string& text) {
    if (!to.is_open()) co_return;
    const io_result<std::size_t> written = co_await to.try_write_all(bytes_of(text));
    to.close();
    if (written.error && written.error != std::errc::broken_pipe)  // it need not read everything
        throw std::system_error(written.error, "input of a child process");
}

task<> collect(pipe_reader& from, std::string& into, std::size_t limit) {
    if (!from.is_open()) co_return;
    std::vector<std::byte> part(std::size_t{16} << 10);
    while (const std::size_t n = co_await from.read_some(part)) {
        if (n > limit - into.size()) throw std::system_error(io_errc::too_much, "output of a child process");
        into += text_of(std::span(part).first(n));
    }
}

}  // namespace

task<process_output> run_process(std::string program, process_options options, std::string input, std::size_t limit) {
    options.capture();
    process_output got;
    process child = process::spawn(std::move(program), std::move(options));
    auto all = co_await when_all(child.join(), feed(child.input, input), collect(child.output, got.output, limit),
                                 collect(child.error, got.error, limit));
    got.status = std::get<0>(all);
    co_return got;
}

}  // namespace v0
}  // namespace bide
