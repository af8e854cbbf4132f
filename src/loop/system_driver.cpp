// SPDX-License-Identifier: BSL-1.0
//
// The real driver. Until the first I/O it owns no descriptor and sleeps on a futex: a wait() in plain code leaks
// nothing and costs one system call. The first watched descriptor (readiness) makes the poller, in which the driver
// sleeps from then on, and which an eventfd wakes. The first completion-shaped I/O makes the ring, where the kernel
// allows one: then the driver sleeps in the ring, which watches the poller. Where there is no ring, all I/O goes by
// readiness.
#include "loop/system_driver.hpp"
#include "loop/poller.hpp"
#include "loop/uring/ring.hpp"

#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/loop/driver.hpp>
#include <bide/hooks.hpp>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <climits>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

timespec to_timespec(std::chrono::nanoseconds ns) noexcept {
    timespec t{};
    t.tv_sec = static_cast<time_t>(ns.count() / 1'000'000'000);
    t.tv_nsec = static_cast<long>(ns.count() % 1'000'000'000);
    return t;
}

class system_driver final : public driver, ring_entry {
public:
    explicit system_driver(bool may_have_ring) noexcept
        : ring_entry(&system_driver::prepare_poll, &system_driver::poller_has_something),
          may_have_ring_(may_have_ring) {}
    system_driver(const system_driver&) = delete;
    system_driver& operator=(const system_driver&) = delete;
    ~system_driver() override {
        end_ring();
        if (poller* p = poller_.load(std::memory_order_acquire)) p->end();
    }

    // CLOCK_MONOTONIC is the clock of steady_clock, and of park(). Asked here directly, it costs one call less, which
    // counts where a timeout is over at once.
    time_point now() noexcept override {
        timespec t{};
        static_cast<void>(::clock_gettime(CLOCK_MONOTONIC, &t));
        return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
    }

    void park(time_point until) noexcept override { static_cast<void>(park_until(until)); }
    bool park_at_most(std::chrono::milliseconds real) noexcept override { return park_until(end_of(real)); }

    void poll() noexcept override {
        poller* const p = poller_.load(std::memory_order_acquire);
        if (ring_) {
            ring_->poll();
            static_cast<void>(report_from_ring(*p));
        } else if (p != nullptr) {
            static_cast<void>(report(*p, 0));
        }
    }

    void wake() noexcept override {
        // seq_cst with park() and need_poller(): either the owner sees the word, or the waker sees the poller in which
        // the owner sleeps.
        woken_.store(1, std::memory_order_seq_cst);
        if (poller* p = poller_.load(std::memory_order_seq_cst))
            p->wake();
        else
            wake_word();
    }

    const counted_ptr<fd_watcher>& watcher() override {
        need_poller();
        return shared_;
    }

    class ring* ring() noexcept override {
        if (ring_made != nullptr) [[likely]]
            return ring_made;
        if (!may_have_ring_) return nullptr;
        try {
            make_ring();
        } catch (const std::system_error& e) {  // forbidden, the kernel is too old, or no memory or descriptor is left
            may_have_ring_ = false;
            note_refusal(e);
        } catch (...) {
            may_have_ring_ = false;
        }
        return ring_made;
    }
    void demand_ring() override { make_ring(); }
    void end_ring() noexcept override {
        ring_made = nullptr;
        ring_.reset();
        polled_ = false;
    }

    int descriptor() override {
        poller& p = need_poller();
        if (!may_have_ring_) return p.descriptor();
        if (!both_) {  // the host gets one descriptor, an epoll set of the poller and of a ring that may come later
            both_.emplace(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
            show_host(p.descriptor());
            if (ring_) show_host(ring_->descriptor());
        }
        return both_->get();
    }
    bool watches_anything() const noexcept override {
        const poller* p = poller_.load(std::memory_order_acquire);
        return p != nullptr && (p->watches_anything() || (ring_ && ring_->pending() > 1));
    }

private:
    // ---- the ring, on the loop's thread ---------------------------------------------------------------------------

    void make_ring() {
        need_poller();  // the ring watches the poller, whose eventfd wakes the owner
        auto made = std::make_unique<class ring>(*this, thread_bound);
        if (both_) show_host(made->descriptor());
        ring_ = std::move(made);
        ring_made = ring_.get();
        if (running) ring_->acquire();
        ring_->queue(*this);
    }
    void show_host(int fd) {
        epoll_event e{};
        e.events = EPOLLIN;
        if (::epoll_ctl(both_->get(), EPOLL_CTL_ADD, fd, &e) != 0)
            throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
    // Reports the refusal once, and only if the environment asked for io_uring.
    static void note_refusal(const std::system_error& why) noexcept {
        static std::atomic<bool> told{false};
        if (driver_of_environment() != io_driver::io_uring) return;
        if (told.exchange(true, std::memory_order_relaxed)) return;  // relaxed: it guards nothing else
        try {
            bide::report(std::string("BIDE_DRIVER=io_uring, but there is none (") + why.what() +
                         "): input and output goes on with epoll");
        } catch (...) {  // no memory for the message
        }
    }
    static bool prepare_poll(ring_entry* self, ring_request& r) noexcept {
        auto& me = *static_cast<system_driver*>(self);
        r.what = ring_request::kind::poll_in;
        r.fd = me.poller_.load(std::memory_order_acquire)->descriptor();
        return true;
    }
    static void poller_has_something(ring_entry* self, const ring_report&) noexcept {
        // Noted and not collected here: the calling thread may own the ring for a moment only.
        static_cast<system_driver*>(self)->polled_ = true;
    }
    bool wait_in_ring(poller& p, time_point until) noexcept {
        const bool woken = woken_.exchange(0, std::memory_order_seq_cst) != 0;
        if (woken || polled_)
            ring_->poll();
        else
            ring_->wait(until);
        return report_from_ring(p) || woken;
    }
    bool report_from_ring(poller& p) noexcept {
        if (!polled_) return false;
        polled_ = false;
        ring_->queue(*this);
        return report(p, 0);
    }

    /// Returns true if wake() was called.
    bool park_until(time_point until) noexcept {
        poller* const p = poller_.load(std::memory_order_acquire);
        if (ring_) return wait_in_ring(*p, until);
        if (p != nullptr) return wait_for_events(*p, until);
        return wait_on_word(until);
    }
    time_point end_of(std::chrono::milliseconds real) noexcept {
        const time_point begin = now();
        return real < time_point::max() - begin ? begin + real : time_point::max();
    }

    // ---- without a ring -------------------------------------------------------------------------------------------

    poller& need_poller() {
        if (poller* p = poller_.load(std::memory_order_acquire)) return *p;
        const lock_guard guard(making_);
        poller* p = poller_.load(std::memory_order_relaxed);  // relaxed: written under the mutex
        if (p == nullptr) {
            const auto made = make_counted<poller>();
            p = made.get();
            shared_ = made;
            poller_.store(p, std::memory_order_seq_cst);  // see wake()
            // A wake() before this wrote the word alone, as there was no poller: the owner, which will sleep in the
            // poller, is woken there.
            if (woken_.exchange(1, std::memory_order_seq_cst) != 0) p->wake();
            wake_word();  // an owner that sleeps on the word, or is about to, goes on to sleep in the poller
        }
        return *p;
    }

    std::uint32_t* word() noexcept { return reinterpret_cast<std::uint32_t*>(&woken_); }

    void wake_word() noexcept { ::syscall(SYS_futex, word(), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); }

    bool wait_on_word(time_point until) noexcept {
        if (woken_.exchange(0, std::memory_order_seq_cst) != 0) return true;
        const timespec when = to_timespec(until.time_since_epoch());
        // The timeout is an absolute time on the clock of steady_clock; max() is none.
        ::syscall(SYS_futex, word(), FUTEX_WAIT_BITSET_PRIVATE, 0, until == time_point::max() ? nullptr : &when,
                  nullptr, FUTEX_BITSET_MATCH_ANY);
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
    os_mutex making_;                 // held while the poller is made
    counted_ptr<fd_watcher> shared_;  // written once, with making_ held, before poller_; read after poller_ was read
    bool may_have_ring_;
    bool polled_ =
        false;  // the ring reported that the poller has events, and does not watch it until they are collected
    std::unique_ptr<class ring> ring_;
    std::optional<descriptor_owner> both_;  // for an embedding host, see descriptor()
};

}  // namespace

owned_ptr<driver> make_system_driver(bool may_have_ring) { return make_owned<system_driver>(may_have_ring); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
