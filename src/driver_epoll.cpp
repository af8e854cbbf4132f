// SPDX-License-Identifier: BSL-1.0
//
// The real driver. Until the first descriptor is watched it owns none and sleeps on a futex: a wait() in plain code
// leaks nothing and costs one system call. From then on it sleeps in epoll_wait, and an eventfd wakes it.
#include <bide/detail/driver.hpp>
#include <bide/detail/spin_lock.hpp>

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <climits>
#include <mutex>
#include <system_error>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

class descriptor_owner {
public:
    explicit descriptor_owner(int fd, const char* what) : fd_(fd) {
        if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
    }
    descriptor_owner(const descriptor_owner&) = delete;
    descriptor_owner& operator=(const descriptor_owner&) = delete;
    ~descriptor_owner() { close(); }
    [[nodiscard]] int get() const noexcept { return fd_; }
    void close() noexcept {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_;
};

class poller final : public fd_watcher {
public:
    poller() {
        epoll_event e{};
        e.events = EPOLLIN | EPOLLET;
        e.data.ptr = nullptr;  // the wake-up
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event_.get(), &e) != 0) fail();
    }

    void add(watched_fd& w) override {
        const std::lock_guard guard(lock_);
        epoll_event e = events_for(w);
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, w.fd, &e) != 0) fail();
        push(watched_, w);
        w.watched = true;
        count_.fetch_add(1,
                         std::memory_order_relaxed);  // relaxed: a count; an added descriptor wakes the loop by itself
    }

    void report_again(watched_fd& w) noexcept override {
        const std::lock_guard guard(lock_);
        epoll_event e = events_for(w);
        if (w.watched) ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, w.fd, &e);
    }

    void remove(watched_fd& w) noexcept override {
        {
            const std::lock_guard guard(lock_);
            if (!w.watched) return;
            epoll_event none{};
            ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, w.fd, &none);
            take_out(w);
            if (reporting_) {  // an event of w may have been collected already
                push(leaving_, w);
                return;
            }
        }
        w.released(&w);
    }

    /// Waits for events and reports them; true: it was woken.
    [[nodiscard]] bool collect(int timeout) noexcept {
        {
            const std::lock_guard guard(lock_);
            reporting_ = true;
        }
        bool woken = false;
        const int got = ::epoll_wait(epoll_.get(), events_, batch, timeout);
        for (int i = 0; i < got; ++i) {
            if (auto* w = static_cast<watched_fd*>(events_[i].data.ptr))
                w->ready(w, events_[i].events);
            else
                woken = true;
        }
        if (woken) {
            std::uint64_t count = 0;
            [[maybe_unused]] const ssize_t n = ::read(event_.get(), &count, sizeof count);
        }
        watched_fd* left = nullptr;
        {
            const std::lock_guard guard(lock_);
            reporting_ = false;
            left = std::exchange(leaving_, nullptr);
        }
        release_all(left);
        return woken;
    }

    void wake() noexcept {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t n = ::write(event_.get(), &one, sizeof one);
    }

    /// The loop is gone. What it watched may be watched by another one.
    void end() noexcept {
        watched_fd* left = nullptr;
        {
            const std::lock_guard guard(lock_);
            while (watched_fd* w = watched_) {
                take_out(*w);
                push(leaving_, *w);
            }
            left = std::exchange(leaving_, nullptr);
            epoll_.close();
            event_.close();
        }
        release_all(left);
    }

    [[nodiscard]] int descriptor() const noexcept { return epoll_.get(); }
    [[nodiscard]] bool watches_anything() const noexcept { return count_.load(std::memory_order_relaxed) != 0; }

private:
    static constexpr int batch = 128;

    [[noreturn]] static void fail() { throw std::system_error(errno, std::generic_category(), "epoll_ctl"); }
    static epoll_event events_for(watched_fd& w) noexcept {
        epoll_event e{};
        e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        e.data.ptr = &w;
        return e;
    }
    static void push(watched_fd*& list, watched_fd& w) noexcept {
        w.prev = nullptr;
        w.next = list;
        if (list != nullptr) list->prev = &w;
        list = &w;
    }
    void take_out(watched_fd& w) noexcept {
        if (w.prev != nullptr)
            w.prev->next = w.next;
        else
            watched_ = w.next;
        if (w.next != nullptr) w.next->prev = w.prev;
        w.watched = false;
        count_.fetch_sub(1, std::memory_order_relaxed);
    }
    static void release_all(watched_fd* list) noexcept {
        while (watched_fd* w = list) {
            list = w->next;
            w->released(w);
        }
    }

    descriptor_owner epoll_{::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"};
    descriptor_owner event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"};
    spin_lock lock_;  // also over epoll_ctl: streams come and go rarely, and one that left is never in the set
    watched_fd* watched_ = nullptr;
    watched_fd* leaving_ = nullptr;  // out of the set, to be released when the present report is over
    bool reporting_ = false;
    std::atomic<long> count_{0};
    epoll_event events_[batch] = {};
};

timespec to_timespec(std::chrono::nanoseconds ns) noexcept {
    timespec t{};
    t.tv_sec = static_cast<time_t>(ns.count() / 1'000'000'000);
    t.tv_nsec = static_cast<long>(ns.count() % 1'000'000'000);
    return t;
}

class epoll_driver final : public driver {
public:
    epoll_driver() = default;
    epoll_driver(const epoll_driver&) = delete;
    epoll_driver& operator=(const epoll_driver&) = delete;
    ~epoll_driver() override {
        if (poller* p = poller_.load(std::memory_order_acquire)) p->end();
    }

    time_point now() noexcept override { return std::chrono::steady_clock::now(); }

    void park(time_point until, bool) noexcept override { static_cast<void>(park_until(until)); }
    bool park_at_most(std::chrono::milliseconds real) noexcept override { return park_until(end_of(real)); }

    void poll() noexcept override {
        if (poller* p = poller_.load(std::memory_order_acquire)) static_cast<void>(report(*p, 0));
    }

    void wake() noexcept override {
        // seq_cst with park() and need_poller(): either the sleeper sees the word, or we see that it sleeps in epoll.
        woken_.store(1, std::memory_order_seq_cst);
        if (poller* p = poller_.load(std::memory_order_seq_cst))
            p->wake();
        else
            wake_word();
    }

    const std::shared_ptr<fd_watcher>& watcher() override {
        need_poller();
        return shared_;
    }

    int descriptor() override { return need_poller().descriptor(); }
    bool watches_anything() const noexcept override {
        const poller* p = poller_.load(std::memory_order_acquire);
        return p != nullptr && p->watches_anything();
    }
    bool current() const noexcept override {
        const std::shared_ptr<virtual_clock> clock = use_clock(nullptr);
        use_clock(clock);
        return clock == nullptr;
    }

private:
    /// True: it was woken.
    bool park_until(time_point until) noexcept {
        if (poller* p = poller_.load(std::memory_order_acquire)) return wait_for_events(*p, until);
        return wait_on_word(until);
    }
    time_point end_of(std::chrono::milliseconds real) noexcept {
        const time_point begin = now();
        return real < time_point::max() - begin ? begin + real : time_point::max();
    }

    poller& need_poller() {
        if (poller* p = poller_.load(std::memory_order_acquire)) return *p;
        const std::lock_guard guard(making_);
        poller* p = poller_.load(std::memory_order_relaxed);  // relaxed: written under the mutex
        if (p == nullptr) {
            auto made = std::make_shared<poller>();
            p = made.get();
            shared_ = std::move(made);
            poller_.store(p, std::memory_order_seq_cst);  // see wake()
            // A wake() that wrote only the word, because there was no poller yet, is seen in the descriptor all the
            // same.
            if (woken_.exchange(1, std::memory_order_seq_cst) != 0) p->wake();
            wake_word();  // a loop that sleeps on the word, or is about to, goes over to epoll
        }
        return *p;
    }

    std::uint32_t* word() noexcept { return reinterpret_cast<std::uint32_t*>(&woken_); }

    void wake_word() noexcept { ::syscall(SYS_futex, word(), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); }

    bool wait_on_word(time_point until) noexcept {
        if (woken_.exchange(0, std::memory_order_seq_cst) != 0) return true;
        const timespec at = to_timespec(until.time_since_epoch());
        // An absolute time on the clock of steady_clock; no timeout for max().
        ::syscall(SYS_futex, word(), FUTEX_WAIT_BITSET_PRIVATE, 0, until == time_point::max() ? nullptr : &at, nullptr,
                  FUTEX_BITSET_MATCH_ANY);
        return woken_.exchange(0, std::memory_order_seq_cst) != 0;
    }

    bool wait_for_events(poller& p, time_point until) noexcept {
        int timeout = -1;
        if (until != time_point::max()) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now()).count();
            timeout = left <= 0 ? 0 : left > INT_MAX ? INT_MAX : static_cast<int>(left);
        }
        const bool woken = woken_.exchange(0, std::memory_order_seq_cst) != 0;
        return report(p, woken ? 0 : timeout) || woken;
    }

    bool report(poller& p, int timeout) noexcept {
        const bool woken = p.collect(timeout);
        if (woken) woken_.store(0, std::memory_order_seq_cst);
        return woken;
    }

    std::atomic<std::uint32_t> woken_{0};
    static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t), "the futex word is the atomic itself");
    std::atomic<poller*> poller_{nullptr};
    std::mutex making_;
    std::shared_ptr<fd_watcher> shared_;  // written once, before poller_
};

thread_local std::shared_ptr<virtual_clock> clock_here;

}  // namespace

std::unique_ptr<driver> make_epoll_driver() { return std::make_unique<epoll_driver>(); }

std::shared_ptr<virtual_clock> use_clock(std::shared_ptr<virtual_clock> clock) noexcept {
    return std::exchange(clock_here, std::move(clock));
}

std::shared_ptr<virtual_clock> clock_of_this_thread() noexcept { return clock_here; }

std::unique_ptr<driver> make_default_driver() {
    return clock_here ? make_virtual_driver(clock_here) : make_epoll_driver();
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
