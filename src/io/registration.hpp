// SPDX-License-Identifier: BSL-1.0
//
// registration: that a loop watches a socket's descriptor, edge-triggered.
//
// watch_on() makes it, under the socket's lock. on_ready() is called by the thread of the watching loop; on_released()
// by whichever thread takes the descriptor out of the loop's set.
#pragma once

#include <bide/detail/io/socket.hpp>
#include <bide/detail/loop/driver.hpp>

#include <atomic>
#include <memory>

namespace bide {
inline namespace v0 {
namespace detail {

/// It has two references: one for the directions that use it, and one for the watcher.
struct registration final : watched_fd {
    socket_state* const socket;
    std::atomic<int> refs{2};

    registration(socket_state& s, int d, const counted_ptr<fd_watcher>& w) noexcept
        : watched_fd(d, &on_ready, &on_released, w), socket(&s) {
        s.add_ref();
    }
    ~registration() { socket->drop_ref(); }
    void drop_ref() noexcept {
        // acq_rel: the thread that drops the last one sees what the others did.
        if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    /// Drops the directions' reference: the last of them has another registration now, or is closed.
    void leave() noexcept {
        watcher->remove(*this);
        drop_ref();
    }
    static void on_ready(watched_fd* w, std::uint32_t events) noexcept {
        static_cast<registration*>(w)->socket->became_ready(events);
    }
    static void on_released(watched_fd* w) noexcept { static_cast<registration*>(w)->drop_ref(); }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
