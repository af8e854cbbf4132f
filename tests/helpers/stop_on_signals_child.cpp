// SPDX-License-Identifier: BSL-1.0
//
// A program that is sent signals by stop_on_signals_test.cpp: argv[1] names what it does. It writes "ready" when it may
// be sent one, and what it did afterwards; the test reads that, and the status.
#include "support/sanitizer.hpp"

#include <bide/bide.hpp>

#include <sys/wait.h>
#include <unistd.h>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>

namespace {

using namespace bide;
using namespace std::chrono_literals;

// One write each: also what comes from several threads is not mixed.
void say(std::string line) {
    line += '\n';
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) _exit(99);
}

struct says_at_end {
    std::string what;
    explicit says_at_end(std::string w) : what(std::move(w)) {}
    says_at_end(const says_at_end&) = delete;
    says_at_end& operator=(const says_at_end&) = delete;
    ~says_at_end() { say(what); }
};

task<> forever() {
    const says_at_end last("unwound");
    say("ready");
    co_await sleep_for(24h);
}
task<> slow_cleanup(std::string said) {
    co_await sleep_for(20ms);
    say(said);
}
task<> with_cleanup() { co_await finally(forever(), slow_cleanup("cleaned up"), 60s); }
task<> endless_cleanup() {
    say("cleaning");
    co_await sleep_for(24h);
}
task<> without_end() { co_await finally(forever(), endless_cleanup(), 24h); }

template <class F>
void until_cancelled(F f) {
    try {
        f();
        say("not cancelled");
    } catch (const cancelled& c) {
        say(c.reason() == stop_reason::shutdown ? "cancelled: shutdown" : to_string(c.reason()));
    }
}

bool untouched() {
    for (const int s : {SIGINT, SIGTERM}) {
        struct sigaction now{};
        sigaction(s, nullptr, &now);
        if (now.sa_handler != SIG_DFL) return false;
    }
    return true;
}

extern "C" void own_handler(int) { say("own handler"); }

int wait_in_main() {
    const says_at_end last("main's locals");
    stop_on_signals guard;
    const says_at_end inner("what stands below the guard");
    until_cancelled([] { with_cleanup().wait(); });
    return 0;
}
int scope_in_main() {
    stop_on_signals guard;
    until_cancelled([] {
        with_scope([](scope& s) {
            s.start([] { return finally(sleep_for(24h), slow_cleanup("first cleaned up"), 60s); });
            s.start([] { return with_cleanup(); });
        });
    });
    return 0;
}
int plain_code() {  // asked, and told by a callback
    stop_on_signals guard;
    std::atomic<bool> told = false;
    stop_callback tells(guard.token(), [&] {  // the guard's thread calls it, while main may see the stop already
        say("told");
        told = true;
        told.notify_one();
    });
    say("ready");
    while (!stop_requested()) std::this_thread::sleep_for(1ms);
    told.wait(false);
    say(guard.signal() == SIGTERM ? "SIGTERM" : "another");
    return 0;
}
int on_loop_thread() {
    loop_thread worker;
    stop_on_signals guard(worker);
    worker.on_start([] { return with_cleanup(); });
    worker.start();
    say(guard.wait() == SIGINT ? "SIGINT" : "another");
    return 0;
}
int on_source() {
    stop_source quit;
    stop_on_signals guard(quit);
    std::thread other([&] { until_cancelled([&] { with_stop(quit.token(), with_cleanup()).wait(); }); });
    other.join();
    return 0;
}
int second_ends() {
    stop_on_signals guard;
    until_cancelled([] { without_end().wait(); });
    return 0;
}
int second_ignored() {
    stop_on_signals guard(second_signal::is_ignored);
    until_cancelled([] { finally(forever(), [] { return slow_cleanup("cleaned up"); }, 60s).wait(); });
    return 0;
}
int storm() {  // ten thousand signals from a thread of its own while the stop goes through a scope
    stop_on_signals guard(second_signal::is_ignored);
    std::thread sender;
    until_cancelled([&] {
        with_scope([&](scope& s) {
            for (int i = 0; i < 100; ++i) s.start([] { return sleep_for(24h); });
            sender = std::thread([] {
                for (int i = 0; i < 10000; ++i) ::kill(::getpid(), i % 2 == 0 ? SIGINT : SIGTERM);
            });
        });
    });
    sender.join();
    return 0;
}
int no_guard() {
    const bool before = untouched();
    loop_thread worker;
    worker.start();
    worker.submit([]() -> task<> { co_await sleep_for(1ms); }).wait();
    say(before && untouched() ? "untouched" : "touched");
    forever().wait();
    return 0;
}
int no_signal() {
    {
        stop_on_signals guard;
        if (untouched()) say("no handler");
        sleep_for(1ms).wait();
    }
    stop_on_signals again;  // one after the other
    again.finish();
    say(untouched() && again.signal() == 0 ? "untouched" : "touched");
    say(stop_requested() ? "stopped" : "not stopped");
    return 3;
}
int handler_before() {
    std::signal(SIGINT, &own_handler);
    {
        stop_on_signals guard;
        until_cancelled([] { with_cleanup().wait(); });
    }
    say("goes on");
    return 7;
}
int ignored_before() {
    std::signal(SIGINT, SIG_IGN);
    {
        stop_on_signals guard;
        raise(SIGINT);
        sleep_for(5ms).wait();
        say(guard.signal() == 0 ? "ignored" : "not ignored");
        until_cancelled([] { forever().wait(); });
    }
    return 0;
}
int nested() {
    stop_on_signals guard;
    const auto refused = [](const char* where) {
        try {
            stop_on_signals second;
            say("not refused");
        } catch (const usage_error& e) {
            say(std::string(where) + ": " + e.what());
        }
    };
    refused("here");
    std::thread([&] { refused("another thread"); }).join();
    guard.finish();
    with_scope([&](scope&) { refused("scope"); });
    [](auto f) -> task<> {
        f("task");
        co_return;
    }(refused)
                      .wait();
    stop_on_signals third;
    say("third");
    return 0;
}
int blocked_in_main() {
    stop_on_signals guard;
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    std::thread open([] { std::this_thread::sleep_for(24h); });  // takes the signal; main does not
    open.detach();
    pthread_sigmask(SIG_BLOCK, &both, nullptr);
    until_cancelled([] { forever().wait(); });
    return 0;
}
int finish_early() {
    stop_on_signals guard;
    until_cancelled([] { forever().wait(); });
    std::fputs("in stdout's buffer\n", stdout);
    guard.finish();
    say("not reached");
    return 0;
}
int status_of(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}
int fork_inside() {
    stop_on_signals guard;
    const pid_t by_signal = ::fork();
    if (by_signal == 0) {
        raise(SIGTERM);  // nobody is there to hear it
        _exit(1);
    }
    const int killed = status_of(by_signal);
    say(WIFSIGNALED(killed) && WTERMSIG(killed) == SIGTERM ? "ended by the signal" : "survived");
    const pid_t by_own_guard = ::fork();
    if (by_own_guard == 0) {
        guard.finish();
        if (!untouched()) _exit(2);
        stop_on_signals own;
        raise(SIGINT);
        own.wait();
        own.finish();
        _exit(3);
    }
    const int of_guard = status_of(by_own_guard);
    say(WIFSIGNALED(of_guard) && WTERMSIG(of_guard) == SIGINT ? "its own guard" : "status " + std::to_string(of_guard));
    say(guard.signal() == 0 ? "the parent knows nothing" : "the parent was asked");
    return 0;
}
int failing() {  // an exception that is caught above the guard: the signal's status, none the less
    try {
        stop_on_signals guard;
        forever().wait();
    } catch (...) {
        say("not reached");
    }
    return 0;
}

const std::map<std::string, int (*)()> programs{
    {"wait_in_main", wait_in_main},
    {"scope_in_main", scope_in_main},
    {"plain_code", plain_code},
    {"on_loop_thread", on_loop_thread},
    {"on_source", on_source},
    {"second_ends", second_ends},
    {"second_ignored", second_ignored},
    {"storm", storm},
    {"no_guard", no_guard},
    {"no_signal", no_signal},
    {"handler_before", handler_before},
    {"ignored_before", ignored_before},
    {"nested", nested},
    {"blocked_in_main", blocked_in_main},
    {"finish_early", finish_early},
    {"fork_inside", fork_inside},
    {"failing", failing},
};

// TSan keeps a signal back until its thread calls something that TSan knows, and may block. A loop that is asleep calls
// nothing: with TSan, all signals go to a thread that is in pause().
void take_signals_where_tsan_sees_them() {
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &both, nullptr);
    std::thread([both] {
        pthread_sigmask(SIG_UNBLOCK, &both, nullptr);
        for (;;) ::pause();
    }).detach();
}

}  // namespace

int main(int argc, char** argv) {
    if (support::under_tsan) take_signals_where_tsan_sees_them();
    const auto program = argc == 2 ? programs.find(argv[1]) : programs.end();
    if (program == programs.end()) return 98;
    return program->second();
}
