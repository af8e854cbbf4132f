// SPDX-License-Identifier: BSL-1.0
//
// The tests send signals to programs (helpers/stop_on_signals_child.cpp), and look at what these say and how they end.
#include "support/threads.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

namespace {

class program {
public:
    explicit program(const char* what) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        from_ = ends[0];
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
        posix_spawnattr_t how;  // the process that runs the tests may ignore or block signals
        posix_spawnattr_init(&how);
        sigset_t both;
        sigset_t none;
        sigemptyset(&none);
        sigemptyset(&both);
        sigaddset(&both, SIGINT);
        sigaddset(&both, SIGTERM);
        posix_spawnattr_setsigdefault(&how, &both);
        posix_spawnattr_setsigmask(&how, &none);
        posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        std::string path = BIDE_SIGNALS_CHILD;
        std::string argument = what;
        std::array<char*, 3> args{path.data(), argument.data(), nullptr};
        const int error = ::posix_spawn(&child_, path.c_str(), &files, &how, args.data(), environ);
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&how);
        ::close(ends[1]);
        if (error != 0) throw std::runtime_error(path + ": " + std::strerror(error));
    }
    program(const program&) = delete;
    program& operator=(const program&) = delete;
    ~program() {
        ::close(from_);
        if (child_ == 0) return;
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }

    /// Reads until the program has written the line, or has ended.
    void until(const std::string& line) {
        while (said_.find(line + '\n') == std::string::npos && read_more()) {}
    }
    void send(int signal) const { EXPECT_EQ(::kill(child_, signal), 0) << std::strerror(errno); }
    /// Returns what the program wrote until its end.
    std::string said() {
        while (read_more()) {}
        return said_;
    }
    /// Returns how the program ended: "exit 3", "signal 2".
    std::string ended() {
        int status = 0;
        while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {}
        child_ = 0;
        if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
        return "exit " + std::to_string(WEXITSTATUS(status));
    }

private:
    bool read_more() {
        std::array<char, 4096> some{};
        const ssize_t n = ::read(from_, some.data(), some.size());
        if (n > 0) said_.append(some.data(), static_cast<std::size_t>(n));
        return n > 0 || (n < 0 && errno == EINTR);
    }
    int from_ = -1;
    pid_t child_ = 0;
    std::string said_;
};

const std::string by_sigint = "signal " + std::to_string(SIGINT);
const std::string by_sigterm = "signal " + std::to_string(SIGTERM);

// Sends the signal to a program that is ready, which says no more than this, and ends by the signal.
void expect_of(const char* scenario, int signal, const std::string& said) {
    program p(scenario);
    p.until("ready");
    p.send(signal);
    EXPECT_EQ(p.said(), said) << scenario;
    EXPECT_EQ(p.ended(), "signal " + std::to_string(signal)) << scenario;
}

TEST(stop_on_signals, C7_6_a_wait_in_main_is_cancelled_cleans_up_and_the_status_is_the_signals) {
    for (const int signal : {SIGINT, SIGTERM}) {
        program p("wait_in_main");
        p.until("ready");
        p.send(signal);
        // The guard ends the process in its destructor: what was declared before it is not destroyed.
        EXPECT_EQ(p.said(), "ready\nunwound\ncleaned up\ncancelled: shutdown\nwhat stands below the guard\n");
        EXPECT_EQ(p.ended(), "signal " + std::to_string(signal));
    }
}

TEST(stop_on_signals, C7_6_a_scope_in_main_is_stopped_and_joined) {
    program p("scope_in_main");
    p.until("ready");
    p.send(SIGINT);
    const std::string said = p.said();
    EXPECT_NE(said.find("first cleaned up\n"), std::string::npos) << said;
    EXPECT_NE(said.find("\ncleaned up\n"), std::string::npos) << said;
    EXPECT_TRUE(said.ends_with("cancelled: shutdown\n")) << said;
    EXPECT_EQ(p.ended(), by_sigint);
}

TEST(stop_on_signals, C7_6_plain_code_asks_and_callbacks_are_told) {
    expect_of("plain_code", SIGTERM, "ready\ntold\nSIGTERM\n");
}

TEST(stop_on_signals, C7_6_a_loop_thread_is_stopped_and_joined_before_the_process_ends) {
    program p("on_loop_thread");
    p.until("ready");
    p.send(SIGINT);
    const std::string said = p.said();
    EXPECT_NE(said.find("SIGINT\n"), std::string::npos) << said;
    EXPECT_NE(said.find("unwound\n"), std::string::npos) << said;
    EXPECT_NE(said.find("cleaned up\n"), std::string::npos) << said;
    EXPECT_EQ(p.ended(), by_sigint);
}

TEST(stop_on_signals, C7_6_a_stop_source_is_asked) {
    program p("on_source");
    p.until("ready");
    p.send(SIGINT);
    EXPECT_TRUE(p.said().starts_with("ready\nunwound\ncleaned up\ncancelled"));
    EXPECT_EQ(p.ended(), by_sigint);
}

TEST(stop_on_signals, C7_6_C18_6_a_second_signal_during_the_cleanup_ends_the_process_at_once) {
    program p("second_ends");
    p.until("ready");
    p.send(SIGINT);
    p.until("cleaning");  // the cleanup would last a day
    p.send(SIGTERM);
    EXPECT_EQ(p.said(), "ready\nunwound\ncleaning\n");
    EXPECT_EQ(p.ended(), by_sigterm);
}

TEST(stop_on_signals, C7_6_C18_6_a_second_signal_may_be_ignored) {
    program p("second_ignored");
    p.until("ready");
    p.send(SIGINT);
    p.until("unwound");
    p.send(SIGTERM);
    p.send(SIGINT);
    EXPECT_EQ(p.said(), "ready\nunwound\ncleaned up\ncancelled: shutdown\n");
    EXPECT_EQ(p.ended(), by_sigint);  // by the first signal
}

TEST(stop_on_signals, C7_6_a_storm_of_signals_is_one_stop) {
    program p("storm");
    EXPECT_EQ(p.said(), "cancelled: shutdown\n");
    EXPECT_TRUE(p.ended().starts_with("signal "));
}

TEST(stop_on_signals, C7_6_C19_5_without_the_guard_nothing_is_touched) {
    expect_of("no_guard", SIGINT, "untouched\nready\n");
}

TEST(stop_on_signals, C7_6_without_a_signal_the_guard_leaves_everything_as_it_was) {
    program p("no_signal");
    EXPECT_EQ(p.said(), "untouched\nnot stopped\n");
    EXPECT_EQ(p.ended(), "exit 3");
}

TEST(stop_on_signals, C7_6_C18_6_a_handler_that_was_there_before_is_called_after_the_cleanup) {
    program p("handler_before");
    p.until("ready");
    p.send(SIGINT);
    EXPECT_EQ(p.said(), "ready\nunwound\ncleaned up\ncancelled: shutdown\nown handler\ngoes on\n");
    EXPECT_EQ(p.ended(), "exit 7");
}

TEST(stop_on_signals, C7_6_C18_6_an_ignored_signal_stays_ignored_and_the_other_one_stops) {
    program p("ignored_before");
    p.until("ready");
    p.send(SIGINT);
    p.send(SIGTERM);
    EXPECT_EQ(p.said(), "ignored\nready\nunwound\ncancelled: shutdown\n");
    EXPECT_EQ(p.ended(), by_sigterm);
}

TEST(stop_on_signals, C7_6_C18_6_there_is_one_guard_at_a_time_in_plain_code) {
    program p("nested");
    const std::string said = p.said();
    EXPECT_NE(said.find("here: stop_on_signals: there is a guard already"), std::string::npos) << said;
    EXPECT_NE(said.find("another thread: stop_on_signals: there is a guard already"), std::string::npos) << said;
    EXPECT_NE(said.find("scope: stop_on_signals: made in a task or a scope"), std::string::npos) << said;
    EXPECT_NE(said.find("task: stop_on_signals: made in a task or a scope"), std::string::npos) << said;
    EXPECT_TRUE(said.ends_with("third\n")) << said;
    EXPECT_EQ(p.ended(), "exit 0");
}

TEST(stop_on_signals, C7_6_a_thread_that_blocks_the_signal_still_ends_by_it) {
    expect_of("blocked_in_main", SIGINT, "ready\nunwound\ncancelled: shutdown\n");
}

TEST(stop_on_signals, C7_6_finish_ends_the_process_before_the_guard_goes_and_writes_out_stdout) {
    expect_of("finish_early", SIGTERM, "ready\nunwound\ncancelled: shutdown\nin stdout's buffer\n");
}

#if !BIDE_TESTS_UNDER_TSAN  // TSan does not support threads that the child of a fork() makes
TEST(stop_on_signals, C7_6_the_child_of_a_fork_is_ended_and_may_have_a_guard_of_its_own) {
    program p("fork_inside");
    EXPECT_EQ(p.said(), "ended by the signal\nits own guard\nthe parent knows nothing\n");
    EXPECT_EQ(p.ended(), "exit 0");
}
#endif

TEST(stop_on_signals, C7_6_an_exception_that_passes_the_guard_changes_nothing) {
    expect_of("failing", SIGINT, "ready\nunwound\n");
}

}  // namespace
