// SPDX-License-Identifier: BSL-1.0
//
// stop_on_signals. Three parties: the signal handler, on whatever thread the system chooses, notes the first signal and
// posts a semaphore; the guard's own thread ("bide signals") waits for it and requests the stops; the thread that made
// the guard runs finish(). The handler touches lock-free atomics, the semaphore and async-signal-safe calls, nothing
// else.
#include <bide/stop_on_signals.hpp>

#include "base/os_thread.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/process.hpp>
#include <bide/detail/kernel/task_node.hpp>
#include <bide/detail/loop/idle_loop_scope.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/hooks.hpp>
#include <bide/shield.hpp>
#include <bide/time.hpp>

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <system_error>
#include <utility>

namespace bide {
inline namespace v0 {

namespace {

constexpr int guarded_signals[] = {SIGINT, SIGTERM};

// What the handler touches. It is never destroyed: a handler that began on another thread before the guard's end may go
// on after it. For the same reason it has no descriptor, whose number may belong to another file by then.
struct {
    std::atomic<pid_t> process{0};  // the process that has a guard; 0: none has
    std::atomic<int> first{0};      // the first signal that came
    std::atomic<bool> ignore_second{false};
    sem_t wake{};
} shared;
static_assert(std::atomic<pid_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void end_by_default(int signal) noexcept {
    struct sigaction by_default{};
    by_default.sa_handler = SIG_DFL;
    sigaction(signal, &by_default, nullptr);
    raise(signal);  // the signal is blocked while its handler runs: it ends the process when the handler returns
}

extern "C" void bide_detail_on_signal(int signal) noexcept;

bool is_ours(const struct sigaction& action) noexcept {
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == &bide_detail_on_signal;
}

// The guard ended while the handler began on another thread: the signal does what it did before the guard.
void deliver_without_guard(int signal) noexcept {
    struct sigaction now{};
    sigaction(signal, nullptr, &now);
    if (is_ours(now))  // code of the user's has saved this handler while there was a guard, and put it back
        end_by_default(signal);
    else
        raise(signal);
}

extern "C" void bide_detail_on_signal(int signal) noexcept {
    const int error = errno;
    // acquire: the handler sees the fields that the guard wrote before.
    const pid_t guarded = shared.process.load(std::memory_order_acquire);
    if (guarded == 0) {
        deliver_without_guard(signal);
    } else if (guarded != getpid()) {  // the child of a fork() has no guard's thread
        end_by_default(signal);
    } else {
        int none = 0;
        // acq_rel: the guard's thread sees the signal when it wakes; another handler sees that a signal came before.
        if (shared.first.compare_exchange_strong(none, signal, std::memory_order_acq_rel, std::memory_order_acquire))
            sem_post(&shared.wake);
        else if (!shared.ignore_second.load(std::memory_order_relaxed))  // relaxed: written before `process`
            end_by_default(signal);
    }
    errno = error;
}

// Claims the process for one guard. The destructor releases the claim, unless keep() was called.
class claim_of_process {
public:
    claim_of_process() {
        pid_t holder = 0;
        // acq_rel, acquire: this thread sees what the previous guard wrote.
        while (!shared.process.compare_exchange_strong(holder, -mine_, std::memory_order_acq_rel,
                                                       std::memory_order_acquire)) {
            if (holder == mine_ || holder == -mine_)
                throw usage_error(
                    "stop_on_signals: there is a guard already; what a signal does is the whole process's, so there is "
                    "one at a time");
            // Else the holder is the parent process of a fork(), and its guard does not count here.
        }
    }
    claim_of_process(const claim_of_process&) = delete;
    claim_of_process& operator=(const claim_of_process&) = delete;
    // release: the handler sees the guard's fields, and the next guard sees the end of this one.
    ~claim_of_process() { shared.process.store(kept_ ? mine_ : 0, std::memory_order_release); }
    void keep() noexcept { kept_ = true; }

private:
    const pid_t mine_ = getpid();
    bool kept_ = false;
};

// Makes this thread's plain code stoppable by `from`: waits in it inherit that stop request.
struct plain_code_context final : detail::task_node {
    explicit plain_code_context(detail::stop_state& from, const std::source_location& where) noexcept
        : task_node(detail::task_kind::program, where) {
        ctx.ex = &idle.get();
        owner = detail::current_owner();  // the locks that this thread owns stay its own
        stop.link_to(from);
        detail::tls().current = this;
    }
    ~plain_code_context() { detail::tls().current = nullptr; }
    detail::idle_loop_scope idle;
};

}  // namespace

struct stop_on_signals::core {
    stop_source asked;
    std::optional<stop_source> source;
    loop_thread* worker = nullptr;
    const int process = detail::process_generation();
    const pthread_t maker = pthread_self();
    pthread_t thread{};
    std::atomic<bool> ending{false};
    std::atomic<int> came{0};  // the first signal: a copy of shared.first, which the next guard resets
    struct sigaction before[std::size(guarded_signals)]{};
    std::optional<plain_code_context> ground;

    void begin(second_signal second);
    void install() noexcept;
    void restore() noexcept;
    void ask() noexcept;
    void finish() noexcept;
    void join_worker() const noexcept;
    static void* watch(void* with) noexcept;
};

void stop_on_signals::core::begin(second_signal second) {
    {
        claim_of_process claim;
        if (detail::tls().current != nullptr || detail::tls().running_loop != nullptr)
            throw usage_error(
                "stop_on_signals: made in a task or a scope; a signal stops the whole program, so make it in main, "
                "before them");
        ground.emplace(*asked.token().state(), std::source_location::current());
        shared.first.store(0, std::memory_order_relaxed);  // relaxed, also the next: the claim's end releases them
        shared.ignore_second.store(second == second_signal::is_ignored, std::memory_order_relaxed);
        static int initialised_in = -1;  // the claim guards it
        if (std::exchange(initialised_in, process) != process) sem_init(&shared.wake, 0, 0);
        if (const int error = detail::start_thread(thread, &core::watch, this); error != 0)
            throw std::system_error(error, std::generic_category(), "stop_on_signals: no thread to be had");
        claim.keep();
    }
    install();
}

void stop_on_signals::core::install() noexcept {
    struct sigaction ours{};
    ours.sa_handler = &bide_detail_on_signal;
    ours.sa_flags = SA_RESTART;
    sigemptyset(&ours.sa_mask);
    for (const int s : guarded_signals) sigaddset(&ours.sa_mask, s);
    for (std::size_t i = 0; i < std::size(guarded_signals); ++i) {
        sigaction(guarded_signals[i], nullptr, &before[i]);
        if (is_ours(before[i])) before[i].sa_handler = SIG_DFL;  // from before a fork(): its guard is the parent's
        const bool ignored = (before[i].sa_flags & SA_SIGINFO) == 0 && before[i].sa_handler == SIG_IGN;
        if (!ignored) sigaction(guarded_signals[i], &ours, nullptr);
    }
}

void stop_on_signals::core::restore() noexcept {
    for (std::size_t i = 0; i < std::size(guarded_signals); ++i) {
        struct sigaction now{};
        sigaction(guarded_signals[i], nullptr, &now);
        // A handler that the user has installed since then stays.
        if (is_ours(now)) sigaction(guarded_signals[i], &before[i], nullptr);
    }
}

void* stop_on_signals::core::watch(void* with) noexcept {
    auto& self = *static_cast<core*>(with);
    detail::name_this_thread("bide signals");
    for (bool over = false; !over;) {
        while (sem_wait(&shared.wake) != 0) {}
        // `ending` is read before the signal: a signal that came before the end is not missed.
        over = self.ending.load(std::memory_order_acquire);
        const int signal = shared.first.load(std::memory_order_acquire);
        if (signal == 0 || self.came.load(std::memory_order_relaxed) != 0) continue;  // relaxed: this thread's own
        self.came.store(signal, std::memory_order_release);  // release: code that this stop reaches sees the signal
        self.ask();
    }
    return nullptr;
}

void stop_on_signals::core::ask() noexcept {
    asked.request_stop(stop_reason::shutdown);
    if (source) source->request_stop(stop_reason::shutdown);
    if (worker != nullptr) {
        try {
            worker->stop(stop_reason::shutdown);
        } catch (...) {
            report_unhandled(std::current_exception(), "stop_on_signals");
        }
    }
}

void stop_on_signals::core::join_worker() const noexcept {
    if (worker == nullptr || came.load(std::memory_order_acquire) == 0) return;
    try {
        worker->shutdown();
    } catch (...) {
        report_unhandled(std::current_exception(), "stop_on_signals");
    }
}

void stop_on_signals::core::finish() noexcept {
    const bool inherited = process != detail::process_generation();
    if (!inherited && pthread_equal(maker, pthread_self()) == 0)
        detail::fail_fast(
            "a stop_on_signals guard ends on another thread than it began on, whose plain code it has made stoppable");
    if (!ground) return;            // finish() was called before
    if (!inherited) join_worker();  // before the signals are restored: meanwhile another signal counts as the second
    ground.reset();
    restore();
    if (inherited) return;  // the child of a fork(): the guard's thread and the signal are the parent's
    ending.store(true, std::memory_order_release);
    sem_post(&shared.wake);
    pthread_join(thread, nullptr);
    shared.process.store(0, std::memory_order_release);
    join_worker();                                            // if the signal came after the first call
    const int signal = came.load(std::memory_order_relaxed);  // relaxed: the thread was joined
    if (signal == 0) return;
    std::fflush(stdout);
    sigset_t mine;
    sigemptyset(&mine);
    sigaddset(&mine, signal);
    pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
    raise(signal);
}

stop_on_signals::stop_on_signals(second_signal second) : core_(detail::make_owned<core>()) { core_->begin(second); }

stop_on_signals::stop_on_signals(loop_thread& worker, second_signal second) : core_(detail::make_owned<core>()) {
    core_->worker = &worker;
    core_->begin(second);
}

stop_on_signals::stop_on_signals(stop_source source, second_signal second) : core_(detail::make_owned<core>()) {
    core_->source = std::move(source);
    core_->begin(second);
}

stop_on_signals::~stop_on_signals() { finish(); }

void stop_on_signals::finish() noexcept { core_->finish(); }

stop_token stop_on_signals::token() const noexcept { return core_->asked.token(); }

int stop_on_signals::signal() const noexcept { return core_->came.load(std::memory_order_acquire); }

int stop_on_signals::wait(std::source_location where) const {
    try {
        bide::wait(with_stop(token(), sleep_until(std::chrono::steady_clock::time_point::max())), where);
    } catch (const cancelled&) {
        if (signal() == 0) throw;
    }
    return signal();
}

}  // namespace v0
}  // namespace bide
