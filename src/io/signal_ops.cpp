// SPDX-License-Identifier: BSL-1.0
//
// bide's signal handler, the list of all signal sources, and the leaf that waits for a signal.
//
// on_signal and note() run inside the handler, on any thread at any moment: they take no lock, allocate nothing and
// keep errno. Sources are made and destroyed on any thread, under the registry's mutex. take() runs where the waiting
// task tries, or on the thread of the loop that watches the source's event.
#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/io/signal_ops.hpp>

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <array>
#include <bit>
#include <cerrno>
#include <csignal>
#include <stdexcept>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

constexpr wait_kind signal_kind{"signal"};

// All sources. The handler may run on any thread at any moment, and takes no lock: `readers` counts the handlers that
// walk the list. The thread that has taken a source out of the list waits until no handler walks it.
struct registry {
    os_mutex m;  // held for every change, of the list too; the handler never takes it
    std::atomic<signal_source*> first{nullptr};
    std::atomic<int> readers{0};
    std::array<int, 65> users BIDE_GUARDED_BY(m){};  // how many sources have the signal
    std::array<struct sigaction, 65> before BIDE_GUARDED_BY(m){};
};
registry& all() noexcept {
    // Never destroyed: a handler may run while the program ends. In static memory: this function is noexcept, and new
    // may throw.
    alignas(registry) static std::byte place[sizeof(registry)];
    static auto* const r = ::new (static_cast<void*>(place)) registry;
    return *r;
}
std::atomic<registry*> for_handler{nullptr};  // a handler must not run the initialisation of a function's static

void on_signal(int signal) noexcept {
    const int keep = errno;
    registry* const r = for_handler.load(std::memory_order_acquire);
    // seq_cst, together with the store and the load in take_out(): either this handler sees that the source has left
    // the list, or take_out() sees this handler.
    r->readers.fetch_add(1, std::memory_order_seq_cst);
    for (signal_source* s = r->first.load(std::memory_order_seq_cst); s != nullptr;
         s = s->next.load(std::memory_order_seq_cst))
        s->note(signal);
    r->readers.fetch_sub(1, std::memory_order_release);
    errno = keep;
}

bool has(std::uint64_t signals, int signal) noexcept { return (signals >> (signal - 1) & 1U) != 0; }

// One more source has the signal: the first one installs the handler.
void acquire(registry& r, int signal) BIDE_REQUIRES(r.m) {
    const auto i = static_cast<std::size_t>(signal);
    BIDE_ASSERT(W6, r.users[i] >= 0);
    if (r.users[i] == 0) {
        struct sigaction ours{};
        ours.sa_handler = &on_signal;
        ours.sa_flags = SA_RESTART;  // a system call that the handler interrupts goes on
        sigfillset(&ours.sa_mask);
        if (::sigaction(signal, &ours, &r.before[i]) != 0)
            throw std::system_error(last_error(), "signal " + std::to_string(signal));
    }
    ++r.users[i];
}

// One source less has each of these signals: the last source's former action is restored (W6).
void release(registry& r, std::uint64_t signals) noexcept BIDE_REQUIRES(r.m) {
    for (int s = 1; s <= 64; ++s) {
        if (!has(signals, s)) continue;
        const auto i = static_cast<std::size_t>(s);
        BIDE_ASSERT(W6, r.users[i] > 0);
        if (--r.users[i] == 0) ::sigaction(s, &r.before[i], nullptr);
    }
}

void take_out(registry& r, signal_source& s) noexcept BIDE_REQUIRES(r.m) {
    // A handler that is at s can go on to the next source: s keeps its link until no handler walks the list.
    std::atomic<signal_source*>* at = &r.first;
    // relaxed: only a holder of the mutex changes links.
    while (at->load(std::memory_order_relaxed) != &s) {
        BIDE_ASSERT(W6, at->load(std::memory_order_relaxed) != nullptr);
        at = &at->load(std::memory_order_relaxed)->next;
    }
    at->store(s.next.load(std::memory_order_relaxed), std::memory_order_seq_cst);
    while (r.readers.load(std::memory_order_seq_cst) != 0) ::sched_yield();
}

// These two are functions because clang does not check constructors and destructors.
void enlist(signal_source& s, std::uint64_t signals) {
    registry& r = all();
    for_handler.store(&r, std::memory_order_release);
    const lock_guard hold(r.m);
    s.next.store(r.first.load(std::memory_order_relaxed), std::memory_order_relaxed);  // relaxed: under the mutex
    r.first.store(&s, std::memory_order_seq_cst);
    std::uint64_t done = 0;
    try {
        for (int n = 1; n <= 64; ++n) {
            if (!has(signals, n)) continue;
            acquire(r, n);
            done |= signal_bit(n);
        }
    } catch (...) {
        release(r, done);
        take_out(r, s);
        throw;
    }
}

void delist(signal_source& s, std::uint64_t signals) noexcept {
    registry& r = all();
    const lock_guard hold(r.m);
    release(r, signals);
    take_out(r, s);
}

}  // namespace

std::uint64_t signal_bit(int signal) {
    if (signal < 1 || signal > 64) throw std::invalid_argument("there is no signal " + std::to_string(signal));
    switch (signal) {
        case SIGSEGV:
        case SIGBUS:
        case SIGFPE:
        case SIGILL:
        case SIGTRAP:
            throw std::invalid_argument("signal " + std::to_string(signal) +
                                        " is a fault of the program itself: nobody can wait for it");
        default:
            return std::uint64_t{1} << (signal - 1);
    }
}

signal_source::signal_source(std::uint64_t signals)
    : signals_(signals),
      event_([] {
          const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
          if (fd < 0) throw std::system_error(last_error(), "eventfd");
          return own_descriptor(fd);
      }()),
      event_fd_(event_.get()->descriptor()) {
    enlist(*this, signals);
}

signal_source::~signal_source() {
    delist(*this, signals_);
    event_.get()->close();           // no handler writes to it any more: the source has left the list
    event_.get()->wait_for_tries();  // a try uses the members
}

// Runs inside the handler: only async-signal-safe calls.
void signal_source::note(int signal) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
    if ((signals_ & bit) == 0) return;
    // The bit is set before the event, so a task that the event resumes finds it. seq_cst, together with take(), which
    // looks at the bits again after it has emptied the event: a bit that was set before does not wake a task twice.
    if ((pending_.fetch_or(bit, std::memory_order_seq_cst) & bit) != 0) return;  // noted already, and not yet taken
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(event_fd_, &one, sizeof one);
}

signal_leaf::signal_leaf(promise_base& p, signal_source& s) noexcept
    : socket_op(p, signal_kind, &s.event(), direction::in, &signal_leaf::take), source_(s) {}

attempt signal_leaf::take(socket_op& op, int fd) noexcept {
    auto& self = static_cast<signal_leaf&>(op);
    signal_source& s = self.source_;
    for (;;) {
        const std::uint64_t pending = s.pending_.load(std::memory_order_seq_cst);
        if (pending != 0) {
            const std::uint64_t after = pending & ~((std::uint64_t{2} << s.last_) - 1);
            s.last_ = static_cast<unsigned>(std::countr_zero(after != 0 ? after : pending));
            s.pending_.fetch_and(~(std::uint64_t{1} << s.last_), std::memory_order_seq_cst);
            self.signal_ = static_cast<int>(s.last_) + 1;
            return attempt::done;
        }
        std::uint64_t count = 0;
        if (::read(fd, &count, sizeof count) < 0 && errno != EINTR) {
            if (would_block()) return attempt::blocked;
            self.error_ = last_error();
            return attempt::done;
        }
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
