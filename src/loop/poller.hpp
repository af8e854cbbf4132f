// SPDX-License-Identifier: BSL-1.0
//
// poller: readiness, by epoll. It watches the descriptors of one loop, and has the eventfd that wakes this loop.
// Streams add and remove their descriptors on any thread; the loop's thread collects the events and calls ready().
#pragma once

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/process.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/loop/driver.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

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
        const lock_guard guard(lock_);
        epoll_event e = events_for(w);
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, w.fd, &e) != 0) fail();
        push(watched_, w);
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
                push(leaving_, w);
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
        watched_fd* left = nullptr;
        {
            const lock_guard guard(lock_);
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

    /// The loop is being destroyed: releases every descriptor, so that another loop may watch it.
    void end() noexcept {
        watched_fd* left = nullptr;
        {
            const lock_guard guard(lock_);
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

    /// Returns true in the child of a fork(), where the epoll set is still the parent's: the child must not change it.
    [[nodiscard]] bool inherited() const noexcept { return process_ != process_generation(); }
    [[noreturn]] static void fail() { throw std::system_error(errno, std::generic_category(), "epoll_ctl"); }
    static epoll_event events_for(watched_fd& w) noexcept {
        epoll_event e{};
        e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        e.data.ptr = &w;
        return e;
    }
    // Pushes into one of the lists that lock_ guards, which the caller names.
    void push(watched_fd*& list, watched_fd& w) noexcept BIDE_REQUIRES(lock_) {
        w.prev = nullptr;
        w.next = list;
        if (list != nullptr) list->prev = &w;
        list = &w;
    }
    void take_out(watched_fd& w) noexcept BIDE_REQUIRES(lock_) {
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
    const int process_ = process_generation();
    spin_lock lock_;  // held over epoll_ctl, too, which is rare: so a descriptor that was taken out is not in the set
    watched_fd* watched_ BIDE_GUARDED_BY(lock_) = nullptr;
    watched_fd* leaving_ BIDE_GUARDED_BY(lock_) = nullptr;  // out of the set; collect() releases them at its end
    bool reporting_ BIDE_GUARDED_BY(lock_) = false;
    std::atomic<long> count_{0};
    epoll_event events_[batch] = {};
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
