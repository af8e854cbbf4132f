// SPDX-License-Identifier: BSL-1.0
// Real children: /bin/sh and the tools that every system has.
#include <bide/io/local.hpp>
#include <bide/io/process.hpp>
#include <bide/loop.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include "support/io.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <fstream>
#include <optional>

namespace {

using bide::bytes_of;
using bide::exit_status;
using bide::process;
using bide::process_options;
using bide::process_output;
using bide::run_process;
using bide::stdio;
using bide::task;
using support::error_of;
using support::turn;
using support::turn_until;
using namespace std::chrono_literals;

bool has_children() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

class processes : public support::no_leaks {
protected:
    void TearDown() override {
        EXPECT_FALSE(has_children()) << "a child, or a zombie, is left";
        no_leaks::TearDown();
    }
};

process_output shell(const std::string& script) { return run_process("sh", "-c", script).wait(); }
process_options shell_options(const std::string& script) { return process_options("-c", script); }
bool alive(pid_t pid) { return ::kill(pid, 0) == 0; }

TEST_F(processes, C15_21_a_program_runs_and_says_how_it_ended) {
    const process_output good = run_process("true").wait();
    EXPECT_TRUE(good.status.success());
    EXPECT_EQ(good.status.code(), 0);
    EXPECT_EQ(good.status.to_string(), "exit status 0");
    EXPECT_EQ(shell("exit 7").status.code(), 7);
    const exit_status killed = shell("kill -9 $$").status;
    EXPECT_FALSE(killed.success());
    EXPECT_EQ(killed.signal(), SIGKILL);
    EXPECT_EQ(killed.code(), -1);
    EXPECT_EQ(killed.to_string(), "killed by signal 9 (Killed)");
}

TEST_F(processes, C15_21_arguments_arrive_as_they_are) {
    const process_output got = run_process("printf", "%s|", "a b", "", "*", "$HOME", "\"quoted\"", "two\nlines").wait();
    EXPECT_EQ(got.output, "a b||*|$HOME|\"quoted\"|two\nlines|");
    EXPECT_THROW(run_process("printf", std::string("a\0b", 3)).wait(), std::invalid_argument);
}

TEST_F(processes, input_output_and_error_are_collected) {
    const std::string sent = support::pattern(3'000'000);
    process_output got = run_process("cat", process_options(), sent).wait();
    EXPECT_TRUE(got.output == sent);
    got = shell("echo out; echo err >&2; exit 3");
    EXPECT_EQ(got.output, "out\n");
    EXPECT_EQ(got.error, "err\n");
    EXPECT_EQ(got.status.code(), 3);
    process_options both = shell_options("echo out; echo err >&2");
    both.error = stdio::as_output();
    EXPECT_EQ(run_process("sh", std::move(both), "").wait().output, "out\nerr\n");
}

TEST_F(processes, a_program_that_does_not_read_its_input_is_no_error) {
    const process_output got = run_process("true", process_options(), support::pattern(1'000'000)).wait();
    EXPECT_TRUE(got.status.success());
}

TEST_F(processes, C15_21_too_much_output_is_an_error_and_ends_it) {
    EXPECT_EQ(error_of([] { static_cast<void>(run_process("yes", process_options(), "", 100'000).wait()); }),
              bide::io_errc::too_much);
}

TEST_F(processes, C15_21_what_cannot_be_run_is_an_error_that_names_it) {
    try {
        static_cast<void>(run_process("bide-no-such-program").wait());
        FAIL();
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::no_such_file_or_directory);
        EXPECT_NE(std::string(e.what()).find("bide-no-such-program"), std::string::npos);
    }
    EXPECT_EQ(error_of([] { static_cast<void>(process::spawn("/")); }), std::errc::permission_denied);
    process_options o;
    o.directory = "/no/such/directory";
    EXPECT_EQ(error_of([&] { static_cast<void>(process::spawn("true", std::move(o))); }),
              std::errc::no_such_file_or_directory);
}

TEST_F(processes, directory_and_environment) {
    const support::temporary_directory dir;
    process_options o("-c", "pwd; echo \"$GREETING,$HOME,$PATH\"");
    o.directory = dir.path();
    o.changes["GREETING"] = "hello";
    o.changes["HOME"] = std::nullopt;
    EXPECT_EQ(run_process("sh", std::move(o), "").wait().output,
              dir.path().string() + "\nhello,," + std::getenv("PATH") + "\n");
    process_options alone;
    alone.environment.emplace();
    (*alone.environment)["ONLY"] = "this";
    EXPECT_EQ(run_process("env", std::move(alone), "").wait().output, "ONLY=this\n");
}

// Descriptors that somebody made without CLOEXEC, a blocked and an ignored signal: none of it reaches the child.
TEST_F(processes, C15_7_C15_21_a_child_gets_nothing_that_it_was_not_given) {
    const int leak = ::open("/dev/null", O_RDONLY);
    const int high = ::fcntl(leak, F_DUPFD, 900);
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
    auto* const ignored = ::signal(SIGUSR2, SIG_IGN);
    const process_output got =
        run_process("sh", "-c", "ls /proc/self/fd; grep -E 'SigBlk|SigIgn' /proc/self/status").wait();
    ::signal(SIGUSR2, ignored);
    ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
    ::close(high);
    ::close(leak);
    const std::string ignored_at = "SigIgn:\t";
    const std::size_t at = got.output.find(ignored_at);
    ASSERT_NE(at, std::string::npos) << got.output;
    EXPECT_EQ(got.output.substr(0, at), "0\n1\n2\n3\nSigBlk:\t0000000000000000\n");  // 3: of ls itself
    // 32 and 33 are the C library's own, and it ignores them in what it spawns; nobody can send or catch them.
    constexpr unsigned long long c_librarys = 0x180000000ULL;
    EXPECT_EQ(std::stoull(got.output.substr(at + ignored_at.size()), nullptr, 16) & ~c_librarys, 0ULL) << got.output;
}

TEST_F(processes, a_descriptor_is_what_the_child_writes_to) {
    const support::temporary_directory dir;
    process_options o = shell_options("cat; echo end >&2");
    o.input = stdio::null();
    o.output = stdio::null();
    o.error = stdio::from(bide::owned_descriptor(::open((dir / "log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
    process p = process::spawn("sh", std::move(o));
    EXPECT_TRUE(p.join().wait().success());
    EXPECT_EQ(support::content_of(dir / "log"), "end\n");
    EXPECT_FALSE(p.output.is_open());
}

// The parent's own standard streams are closed, so that its pipes get their numbers: they must not overwrite each
// other.
TEST_F(processes, pipes_with_the_numbers_of_the_streams) {
    int kept[3];
    for (int i = 0; i < 3; ++i) kept[i] = ::fcntl(i, F_DUPFD_CLOEXEC, 100);
    for (int i = 0; i < 3; ++i) ::close(i);
    process_output got;
    std::string failure;
    try {
        got = run_process("sh", process_options("-c", "cat; echo err >&2"), "in").wait();
    } catch (const std::exception& e) {
        failure = e.what();
    }
    for (int i = 0; i < 3; ++i) {
        ::dup2(kept[i], i);
        ::close(kept[i]);
    }
    EXPECT_EQ(failure, "");
    EXPECT_EQ(got.output, "in");
    EXPECT_EQ(got.error, "err\n");
}

TEST_F(processes, one_can_talk_to_a_child) {
    process_options o;
    o.input = stdio::pipe();
    o.output = stdio::pipe();
    process cat = process::spawn("cat", std::move(o));
    EXPECT_FALSE(cat.status());
    for (const char* text : {"one", "two"}) {
        std::array<std::byte, 3> got;
        cat.input.write_all(bytes_of(text)).wait();
        cat.output.read_exactly(got).wait();
        EXPECT_EQ(bide::text_of(got), text);
    }
    cat.input.close();
    EXPECT_TRUE(cat.exited().wait().success());
    EXPECT_TRUE(cat.exited().wait().success()) << "again and again";
    EXPECT_TRUE(cat.status()->success());
    EXPECT_FALSE(cat.signal(SIGTERM)) << "it has ended";
}

// ---- ending them ----------------------------------------------------------------------------------------------------

TEST_F(processes, C15_22_a_cancelled_exited_leaves_the_child_alone) {
    process p = process::spawn("sleep", process_options("1000"));
    EXPECT_THROW(bide::with_timeout(1ms, p.exited()).wait(), bide::timed_out);
    EXPECT_FALSE(p.status());
    EXPECT_TRUE(alive(p.id()));
    EXPECT_TRUE(p.signal(SIGTERM));
    EXPECT_EQ(p.exited().wait().signal(), SIGTERM);
}

TEST_F(processes, C15_22_a_cancelled_join_ends_the_child) {
    process p = process::spawn("sleep", process_options("1000"));
    EXPECT_THROW(bide::with_timeout(1ms, p.join()).wait(), bide::timed_out);
    ASSERT_TRUE(p.status());
    EXPECT_EQ(p.status()->signal(), SIGTERM);
}

task<> until_it_says(bide::pipe_reader& from, char what) {
    std::array<std::byte, 1> one{};
    while (static_cast<char>(one[0]) != what) co_await from.read_exactly(one);
}

TEST_F(processes, C15_22_a_child_that_ignores_sigterm_is_killed_after_the_grace_period) {
    process_options o = shell_options("trap '' TERM; echo .; while :; do sleep 1000; done");
    o.output = stdio::pipe();
    o.own_group = true;  // with its sleep
    process p = process::spawn("sh", std::move(o));
    until_it_says(p.output, '\n').wait();
    EXPECT_EQ(p.terminate(30ms).wait().signal(), SIGKILL);
    std::array<std::byte, 1> one;
    EXPECT_EQ(p.output.read_some(one).wait(), 0U) << "what it had started is gone too: nobody holds the pipe";
}

TEST_F(processes, a_child_may_clean_up_in_the_grace_period) {
    process_options o = shell_options("trap 'echo bye; exit 5' TERM; echo .; while :; do sleep 0.01; done");
    o.output = stdio::pipe();
    process p = process::spawn("sh", std::move(o));
    until_it_says(p.output, '.').wait();
    EXPECT_EQ(p.terminate(60s).wait().code(), 5);
    EXPECT_EQ(support::read_to_end(p.output).wait(), "\nbye\n");
}

TEST_F(processes, a_stopped_child_is_ended_too) {
    process p = process::spawn("sleep", process_options("1000"));
    EXPECT_TRUE(p.signal(SIGSTOP));
    EXPECT_EQ(p.terminate(60s).wait().signal(), SIGTERM);
}

TEST_F(processes, C15_22_the_rest_of_a_group_goes_with_its_leader) {
    process_options o =
        shell_options("trap 'exit 0' TERM; (trap '' TERM; sleep 1000) & echo $!; while :; do sleep 0.01; done");
    o.output = stdio::pipe();
    o.own_group = true;
    process p = process::spawn("sh", std::move(o));
    until_it_says(p.output, '\n').wait();
    EXPECT_TRUE(p.terminate(60s).wait().success());
    std::array<std::byte, 1> one;
    EXPECT_EQ(p.output.read_some(one).wait(), 0U);
}

TEST_F(processes, C15_22_a_process_that_is_destroyed_is_killed_and_no_zombie_stays) {
    pid_t pid = 0;
    {
        process p = process::spawn("sleep", process_options("1000"));
        pid = p.id();
    }
    EXPECT_FALSE(alive(pid));
    process p = process::spawn("sleep", process_options("1000"));
    pid = p.id();
    p = process::spawn("true");
    EXPECT_FALSE(alive(pid));
    static_cast<void>(p.exited().wait());
    p = process();
    EXPECT_THROW(static_cast<void>(p.id()), bide::usage_error);
    EXPECT_THROW(p.exited().wait(), bide::usage_error);
}

TEST_F(processes, C15_22_a_detached_child_lives_on_and_its_status_is_taken) {
    process_options o;
    o.input = stdio::pipe();
    process p = process::spawn("cat", std::move(o));
    const pid_t pid = p.id();
    bide::pipe_writer input = std::move(p.input);
    p.detach();
    EXPECT_TRUE(alive(pid));
    input.close();
    while (has_children()) ::sched_yield();  // the background loop does it
    while (alive(pid)) ::sched_yield();      // for the kernel it is no child of ours a moment before its number is free
    while (!as_before()) ::sched_yield();    // and then closes what it waited with
}

TEST_F(processes, a_status_that_somebody_else_took_is_an_error) {
    process p = process::spawn("true");
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(p.id()), &info, WEXITED), 0);
    EXPECT_EQ(error_of([&] { p.exited().wait(); }), std::errc::no_child_process);
    EXPECT_EQ(error_of([&] { p.join().wait(); }), std::errc::no_child_process);
}

// Stopped after k turns of the loop, for every k until it comes to its end.
TEST_F(processes, C15_22_cancelled_at_every_step_no_child_is_left) {
    bool ended = false;
    for (int k = 0; !ended; ++k) {
        ASSERT_LT(k, 100'000);
        bide::loop l;
        auto run = []() -> task<std::string> {
            auto got = co_await run_process("cat", process_options(), "text");
            co_return got.output;
        };
        auto f = l.submit(run);
        for (int i = 0; i < k && f.status() == bide::future_status::pending; ++i) {
            l.poll();
            if (i > 20) ::usleep(200);  // the child has to come along, or there is no end to the steps
        }
        ended = f.status() == bide::future_status::succeeded;
        f.stop();
        turn_until(l, f);
        ASSERT_NE(f.status(), bide::future_status::failed);
        EXPECT_TRUE(!ended || f.value() == "text");
        ASSERT_FALSE(has_children()) << "step " << k;
    }
}

TEST_F(processes, many_at_once) {
    int good = 0;
    bide::with_scope([&](bide::scope& s) {
        auto one = [&](int i) -> task<> {
            const std::string number = std::to_string(i);
            const process_output got = co_await run_process("echo", number);
            good += got.output == number + "\n";
        };
        for (int i = 0; i < 60; ++i) s.start(one, i);
    });
    EXPECT_EQ(good, 60);
}

}  // namespace
