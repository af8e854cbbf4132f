// SPDX-License-Identifier: BSL-1.0
//
// poller: readiness, by epoll. It watches the descriptors of one loop, and has the eventfd that wakes this loop.
// Streams add and remove their descriptors on any thread; the loop's thread collects the events and calls ready().
#pragma once

#include "base/descriptor_owner.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/process.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/base/two_way_list.hpp>
#include <bide/detail/loop/driver.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <system_error>

namespace bide {
inline namespace v0 {
namespace detail {

class poller final : public fd_watcher {
public:
    poller() {
        epoll_event e{};
        e.events = EPOLLIN | EPOLLET;
        e.data.ptr = nullptr;  // the wake-up
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event_.get(), &e) != 0) fail();
    }

    void add(watched_fd& w) override {
        const lock_guard guard(lock_);
        epoll_event e = events_for(w);
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, w.fd, &e) != 0) fail();
        watched_.push_front(w);
        w.watched = true;
        // relaxed: a count; the new descriptor's first event wakes the loop
        count_.fetch_add(1, std::memory_order_relaxed);
    }

    void report_again(watched_fd& w) noexcept override {
        const lock_guard guard(lock_);
        epoll_event e = events_for(w);
        if (w.watched && !inherited()) ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, w.fd, &e);
    }

    void remove(watched_fd& w) noexcept override {
        {
            const lock_guard guard(lock_);
            if (!w.watched) return;
            epoll_event none{};
            if (!inherited()) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, w.fd, &none);
            take_out(w);
            if (reporting_) {  // an event of w may have been collected already
                leaving_.push_front(w);
                return;
            }
        }
        w.released(&w);
    }

    /// Waits for events and reports them. Returns true if wake() was called.
    [[nodiscard]] bool collect(int timeout) noexcept {
        {
            const lock_guard guard(lock_);
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
        watched_list left;
        {
            const lock_guard guard(lock_);
            reporting_ = false;
            left.take_all(leaving_);
        }
        release_all(left);
        return woken;
    }

    void wake() noexcept {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t n = ::write(event_.get(), &one, sizeof one);
    }

    /// The loop is being destroyed: releases every descriptor, so that another loop may watch it.
    void end() noexcept {
        watched_list left;
        {
            const lock_guard guard(lock_);
            while (watched_fd* w = watched_.first()) {
                take_out(*w);
                leaving_.push_front(*w);
            }
            left.take_all(leaving_);
            epoll_.close();
            event_.close();
        }
        release_all(left);
    }

    [[nodiscard]] int descriptor() const noexcept { return epoll_.get(); }
    [[nodiscard]] bool watches_anything() const noexcept { return count_.load(std::memory_order_relaxed) != 0; }

private:
    static constexpr int batch = 128;
    using watched_list = two_way_list<watched_fd, &watched_fd::prev, &watched_fd::next>;

    /// Returns true in the child of a fork(), where the epoll set is still the parent's: the child must not change it.
    [[nodiscard]] bool inherited() const noexcept { return process_ != process_generation(); }
    [[noreturn]] static void fail() { throw std::system_error(errno, std::generic_category(), "epoll_ctl"); }
    static epoll_event events_for(watched_fd& w) noexcept {
        epoll_event e{};
        e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        e.data.ptr = &w;
        return e;
    }
    void take_out(watched_fd& w) noexcept BIDE_REQUIRES(lock_) {
        watched_.remove(w);
        w.watched = false;
        count_.fetch_sub(1, std::memory_order_relaxed);
    }
    static void release_all(watched_list& list) noexcept {
        while (watched_fd* const w = list.pop_front()) w->released(w);
    }

    descriptor_owner epoll_{::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"};
    descriptor_owner event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"};
    const int process_ = process_generation();
    spin_lock lock_;  // held over epoll_ctl, too, which is rare: so a descriptor that was taken out is not in the set
    watched_list watched_ BIDE_GUARDED_BY(lock_);
    watched_list leaving_ BIDE_GUARDED_BY(lock_);  // out of the set; collect() releases them at its end
    bool reporting_ BIDE_GUARDED_BY(lock_) = false;
    std::atomic<long> count_{0};
    epoll_event events_[batch] = {};
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
