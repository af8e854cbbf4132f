// SPDX-License-Identifier: BSL-1.0
//
// The real driver. Until the first descriptor is watched it owns none and sleeps on a futex: a wait() in plain code
// leaks nothing and costs one system call. From then on it sleeps in epoll_wait, and an eventfd wakes it.
#include <bide/detail/driver.hpp>

#include <atomic>
#include <cerrno>
#include <climits>
#include <linux/futex.h>
#include <mutex>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
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
    ~descriptor_owner() { ::close(fd_); }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

struct poller {
    descriptor_owner epoll{::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"};
    descriptor_owner event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"};
    poller() {
        epoll_event e{};
        e.events = EPOLLIN | EPOLLET;
        e.data.ptr = nullptr; // the wake-up
        if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, event.get(), &e) != 0)
            throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
};

timespec to_timespec(std::chrono::nanoseconds ns) noexcept {
    timespec t{};
    t.tv_sec = static_cast<time_t>(ns.count() / 1'000'000'000);
    t.tv_nsec = static_cast<long>(ns.count() % 1'000'000'000);
    return t;
}

class epoll_driver final : public driver {
public:
    time_point now() noexcept override { return std::chrono::steady_clock::now(); }

    void park(time_point until, bool) noexcept override {
        if (poller* p = poller_.load(std::memory_order_acquire)) wait_for_events(*p, until);
        else wait_on_word(until);
    }

    void poll() noexcept override {
        if (poller* p = poller_.load(std::memory_order_acquire)) collect(*p, 0);
    }

    void wake() noexcept override {
        // seq_cst with wait_on_word and poller(): either the sleeper sees the word, or we see that it sleeps in epoll.
        woken_.store(1, std::memory_order_seq_cst);
        if (poller* p = poller_.load(std::memory_order_seq_cst)) {
            const std::uint64_t one = 1;
            [[maybe_unused]] const ssize_t n = ::write(p->event.get(), &one, sizeof one);
        }
        ::syscall(SYS_futex, word(), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }

    void watch(watched_fd& w) override {
        poller& p = need_poller();
        epoll_event e{};
        e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        e.data.ptr = &w;
        if (::epoll_ctl(p.epoll.get(), EPOLL_CTL_ADD, w.fd, &e) != 0)
            throw std::system_error(errno, std::generic_category(), "epoll_ctl");
        watched_.fetch_add(1, std::memory_order_relaxed); // relaxed: a count; a descriptor that is added wakes by itself
    }

    void unwatch(watched_fd& w) noexcept override {
        poller* p = poller_.load(std::memory_order_acquire);
        if (p == nullptr) return;
        epoll_event none{};
        ::epoll_ctl(p->epoll.get(), EPOLL_CTL_DEL, w.fd, &none);
        watched_.fetch_sub(1, std::memory_order_relaxed);
        for (int i = next_; i < got_; ++i) // events that are being reported now
            if (events_[i].data.ptr == &w) events_[i].data.ptr = nullptr;
    }

    int descriptor() override { return need_poller().epoll.get(); }
    bool watches_anything() const noexcept override { return watched_.load(std::memory_order_relaxed) != 0; }
    bool current() const noexcept override {
        const std::shared_ptr<virtual_clock> clock = use_clock(nullptr);
        use_clock(clock);
        return clock == nullptr;
    }

private:
    static constexpr int batch = 128;

    poller& need_poller() {
        if (poller* p = poller_.load(std::memory_order_acquire)) return *p;
        const std::lock_guard guard(making_);
        if (!made_) {
            made_ = std::make_unique<poller>();
            poller_.store(made_.get(), std::memory_order_seq_cst); // see wake()
            ::syscall(SYS_futex, word(), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
        }
        return *made_;
    }

    std::uint32_t* word() noexcept { return reinterpret_cast<std::uint32_t*>(&woken_); }

    void wait_on_word(time_point until) noexcept {
        if (woken_.exchange(0, std::memory_order_seq_cst) != 0) return;
        const timespec at = to_timespec(until.time_since_epoch());
        // An absolute time on the clock of steady_clock; no timeout for max().
        ::syscall(SYS_futex, word(), FUTEX_WAIT_BITSET_PRIVATE, 0, until == time_point::max() ? nullptr : &at, nullptr,
                  FUTEX_BITSET_MATCH_ANY);
        woken_.exchange(0, std::memory_order_seq_cst);
    }

    void wait_for_events(poller& p, time_point until) noexcept {
        int timeout = -1;
        if (until != time_point::max()) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now()).count();
            timeout = left <= 0 ? 0 : left > INT_MAX ? INT_MAX : static_cast<int>(left);
        }
        if (woken_.exchange(0, std::memory_order_seq_cst) != 0) timeout = 0;
        collect(p, timeout);
    }

    void collect(poller& p, int timeout) noexcept {
        got_ = ::epoll_wait(p.epoll.get(), events_, batch, timeout);
        for (next_ = 0; next_ < got_;) {
            const epoll_event e = events_[next_++];
            if (auto* w = static_cast<watched_fd*>(e.data.ptr)) {
                w->ready(w, e.events);
            } else { // the wake-up
                std::uint64_t count = 0;
                [[maybe_unused]] const ssize_t n = ::read(p.event.get(), &count, sizeof count);
                woken_.store(0, std::memory_order_seq_cst);
            }
        }
        got_ = next_ = 0;
    }

    std::atomic<std::uint32_t> woken_{0};
    static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t), "the futex word is the atomic itself");
    std::atomic<poller*> poller_{nullptr};
    std::mutex making_;
    std::unique_ptr<poller> made_;
    std::atomic<long> watched_{0};
    epoll_event events_[batch] = {};
    int got_ = 0;
    int next_ = 0;
};

thread_local std::shared_ptr<virtual_clock> clock_here;

} // namespace

std::unique_ptr<driver> make_epoll_driver() {
    return std::make_unique<epoll_driver>();
}

std::shared_ptr<virtual_clock> use_clock(std::shared_ptr<virtual_clock> clock) noexcept {
    return std::exchange(clock_here, std::move(clock));
}

std::unique_ptr<driver> make_default_driver() {
    return clock_here ? make_virtual_driver(clock_here) : make_epoll_driver();
}

} // namespace detail
} // namespace v0
} // namespace bide
