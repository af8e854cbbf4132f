// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/base/os_mutex.hpp>
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

// All sources, for the handler, which may run on any thread at any moment and takes no lock: `readers` counts the
// handlers that walk the list; whoever has taken a source out waits until none of them can have it.
struct registry {
    os_mutex m;  // over changes; never taken by the handler
    std::atomic<signal_source*> first{nullptr};
    std::atomic<int> readers{0};
    std::array<int, 65> users{};  // how many sources have the signal
    std::array<struct sigaction, 65> before{};
};
registry& all() noexcept {
    // For ever: a handler may run while the program ends. In place: there is no memory to be had from new in noexcept.
    alignas(registry) static std::byte place[sizeof(registry)];
    static auto* const r = ::new (static_cast<void*>(place)) registry;
    return *r;
}
std::atomic<registry*> for_handler{nullptr};  // a function's static is no place to go from a handler

void on_signal(int signal) noexcept {
    const int keep = errno;
    registry* const r = for_handler.load(std::memory_order_acquire);
    // seq_cst, with the store and the load in take_out(): either the handler sees that the source is out of the list,
    // or the one that took it out sees the handler.
    r->readers.fetch_add(1, std::memory_order_seq_cst);
    for (signal_source* s = r->first.load(std::memory_order_seq_cst); s != nullptr;
         s = s->next.load(std::memory_order_seq_cst))
        s->note(signal);
    r->readers.fetch_sub(1, std::memory_order_release);
    errno = keep;
}

void each_signal(std::uint64_t signals, auto f) {
    for (int s = 1; s <= 64; ++s)
        if ((signals >> (s - 1) & 1U) != 0) f(s);
}

// Under the mutex.
void give_up(registry& r, int signal) noexcept {
    const auto i = static_cast<std::size_t>(signal);
    if (--r.users[i] == 0) ::sigaction(signal, &r.before[i], nullptr);
}

void take_out(registry& r, signal_source& s) noexcept {
    // A handler that stands at s just now finds its way on: s keeps its link until the handler has gone.
    std::atomic<signal_source*>* at = &r.first;
    while (at->load(std::memory_order_relaxed) != &s)
        at = &at->load(std::memory_order_relaxed)->next;  // under the mutex
    at->store(s.next.load(std::memory_order_relaxed), std::memory_order_seq_cst);
    while (r.readers.load(std::memory_order_seq_cst) != 0) ::sched_yield();
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
    registry& r = all();
    for_handler.store(&r, std::memory_order_release);
    const lock_guard hold(r.m);
    next.store(r.first.load(std::memory_order_relaxed), std::memory_order_relaxed);  // relaxed: under the mutex
    r.first.store(this, std::memory_order_seq_cst);
    std::uint64_t done = 0;
    try {
        each_signal(signals, [&](int s) {
            const auto i = static_cast<std::size_t>(s);
            if (r.users[i] == 0) {
                struct sigaction ours{};
                ours.sa_handler = &on_signal;
                ours.sa_flags = SA_RESTART;  // whoever is in a system call just then goes on
                sigfillset(&ours.sa_mask);
                if (::sigaction(s, &ours, &r.before[i]) != 0)
                    throw std::system_error(last_error(), "signal " + std::to_string(s));
            }
            ++r.users[i];
            done |= signal_bit(s);
        });
    } catch (...) {
        each_signal(done, [&](int s) { give_up(r, s); });
        take_out(r, *this);
        throw;
    }
}

signal_source::~signal_source() {
    {
        registry& r = all();
        const lock_guard hold(r.m);
        each_signal(signals_, [&](int s) { give_up(r, s); });
        take_out(r, *this);
    }
    event_.get()->close();           // no handler writes to it any more
    event_.get()->wait_for_tries();  // which use what is here
}

// In the handler: only what is safe there.
void signal_source::note(int signal) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
    if ((signals_ & bit) == 0) return;
    // The bit before the event: whoever is woken finds it. seq_cst with take(), which looks at the bits again after it
    // has emptied the event: one that was set before is not woken for twice.
    if ((pending_.fetch_or(bit, std::memory_order_seq_cst) & bit) != 0) return;  // noted, and not yet taken
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

int signal_leaf::finish() {
    end();
    if (error_) [[unlikely]]
        throw std::system_error(error_, kind->what);
    return signal_;
}
io_result<int> signal_leaf::finish_try() {
    end();
    return {error_, signal_};
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
