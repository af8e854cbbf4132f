// SPDX-License-Identifier: BSL-1.0
//
// The process object and run_process: starting, awaiting and ending a child.
//
// spawn() blocks the calling thread. The destructor kills, and leaves a child that takes its time to the background
// loop, which takes its status. Everything else runs in tasks.
#include "io/spawn.hpp"

#include <bide/combine.hpp>
#include <bide/detail/kernel/background.hpp>
#include <bide/io/process.hpp>
#include <bide/loop.hpp>
#include <bide/shield.hpp>
#include <bide/time.hpp>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <utility>

namespace bide {
inline namespace v0 {

namespace {

using detail::child_process;
using detail::child_process_op;

task<> take_status(std::unique_ptr<child_process> c) {
    try {
        static_cast<void>(co_await child_process_op(*c));
    } catch (const std::system_error&) {  // other code of the program has taken the status
    }
}
void leave_to_background(std::unique_ptr<child_process> c) {
    static_cast<void>(detail::background_loop().submit(take_status, std::move(c)));
}

}  // namespace

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
        leave_to_background(std::move(child_));
    } catch (...) {
        c->wait_blocking();
    }
}

void process::detach() {
    static_cast<void>(checked());
    if (!child_->status()) leave_to_background(std::move(child_));
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
        c.signal(SIGCONT);  // a process that was stopped cannot handle SIGTERM
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
    } catch (const std::system_error&) {  // other code has taken the status: exited() has already thrown that
    }
}
}  // namespace

task<exit_status> process::join(std::chrono::nanoseconds grace) {
    auto cleanup = [this, grace] { return end_unless_ended(*this, grace); };
    co_return co_await finally(exited(), cleanup, std::chrono::steady_clock::duration::max());
}

void process_options::capture() noexcept {
    if (input.kind_ == stdio::kind::inherit) input = stdio::pipe();
    if (output.kind_ == stdio::kind::inherit) output = stdio::pipe();
    if (error.kind_ == stdio::kind::inherit) error = stdio::pipe();
}

process process::spawn(std::string program, process_options options) {  // NOLINT(performance-unnecessary-value-param)
    process made;
    detail::file_actions actions;
    owned_descriptor theirs[3];
    stdio* const streams[3] = {&options.input, &options.output, &options.error};
    for (int i = 0; i < 3; ++i) {
        switch (streams[i]->kind_) {
            case stdio::kind::inherit:
                continue;
            case stdio::kind::as_output:
                if (i != STDERR_FILENO) throw std::invalid_argument("only the error stream can be as the output");
                actions.duplicate(STDOUT_FILENO, i);
                continue;
            case stdio::kind::null:
                theirs[i] = owned_descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC));
                if (!theirs[i]) throw std::system_error(detail::last_error(), "/dev/null");
                break;
            case stdio::kind::descriptor:
                theirs[i] = std::move(streams[i]->descriptor_);
                break;
            case stdio::kind::pipe: {
                int ends[2] = {-1, -1};
                if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(detail::last_error(), "pipe");
                owned_descriptor out(ends[0]), in(ends[1]);
                theirs[i] = std::move(i == STDIN_FILENO ? out : in);
                if (i == STDIN_FILENO) made.input = pipe_writer::adopt(in.release());
                if (i == STDOUT_FILENO) made.output = pipe_reader::adopt(out.release());
                if (i == STDERR_FILENO) made.error = pipe_reader::adopt(out.release());
                break;
            }
        }
        theirs[i] = detail::above_streams(std::move(theirs[i]));
        actions.duplicate(theirs[i].get(), i);
    }
    const pid_t pid = detail::run_program(program, options, actions);

    // The child exists from here on: an error must not leave it behind.
    struct unless_owned {
        pid_t pid;
        ~unless_owned() {
            if (pid == 0) return;
            ::kill(pid, SIGKILL);
            while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
        }
    } end_it{pid};
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));  // the kernel sets close-on-exec
    if (pidfd < 0) throw std::system_error(detail::last_error(), "pidfd_open");
    made.child_ = std::make_unique<detail::child_process>(pid, detail::own_descriptor(pidfd), options.own_group);
    end_it.pid = 0;
    return made;
}
// ---- run_process ----------------------------------------------------------------------------------------------------

namespace {

task<> feed(pipe_writer& to, const std::string& text) {
    if (!to.is_open()) co_return;
    const result<std::size_t> written = co_await as_result(to.write_all(bytes_of(text)));
    to.close();
    if (written.error && written.error != std::errc::broken_pipe)  // a child need not read its whole input
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
