// SPDX-License-Identifier: BSL-1.0
//
// dns_channel: c-ares for one look-up. The loop that carries the task watches the sockets and sets an event. The task
// itself makes every call of c-ares, so that c-ares is never called by two threads, and never inside a loop's report.
//
// Why one channel per look-up and not one per loop: a cancelled look-up closes its sockets with its channel, a look-up
// may run on any executor, and no state outlives it. The price is that each look-up reads resolv.conf.
//
// A loop reports changes only, and c-ares does not read a TCP socket to the end: so each step asks for the reported
// state again. The channel makes the sockets itself, and not c-ares, so that they are closed on exec from the start and
// raise no SIGPIPE.
#pragma once

#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/loop/driver.hpp>
#include <bide/io/dns.hpp>
#include <bide/sync/event.hpp>

#include <ares.h>

#include <exception>
#include <memory>
#include <span>
#include <system_error>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

/// What the loop sets and the task awaits. Each watched socket shares it.
struct dns_signal {
    event changed;
    spin_lock lock;  // guards dns_socket::wanted_ and reported_ of all sockets
};

class dns_socket;

class dns_channel {
public:
    /// Throws std::system_error.
    dns_channel(const dns_options& options, loop& carrier);
    dns_channel(const dns_channel&) = delete;
    dns_channel& operator=(const dns_channel&) = delete;
    ~dns_channel();  // c-ares calls back with ARES_EDESTRUCTION what is under way, and closes every socket

    [[nodiscard]] ares_channel get() const noexcept { return channel_; }
    /// Runs c-ares until `over` is true, which a callback of c-ares sets. The channel outlives the task.
    [[nodiscard]] task<> run_until(const bool& over);

    /// Translates c-ares' status. If every server answered that it could not help, c-ares reports that none could be
    /// reached; then this returns what the servers answered (refusal_).
    [[nodiscard]] std::error_code error_of(int status) const noexcept;
    void on_answer(std::span<const std::byte> datagram) noexcept;

private:
    static void state_changed(void* self, ares_socket_t fd, int reads, int writes);
    void watch(ares_socket_t fd, bool writes);
    void forget(ares_socket_t fd) noexcept;
    [[nodiscard]] std::chrono::nanoseconds until_next_timeout() noexcept;
    void step();
    void check_failure();

    ares_channel channel_ = nullptr;
    loop& carrier_;
    std::shared_ptr<dns_signal> signal_;
    std::vector<dns_socket*> sockets_;
    int refusal_ = 0;            // the code of the last answer that refused
    std::exception_ptr failed_;  // why a socket could not be watched
};

/// c-ares' status as an error; none for ARES_SUCCESS.
[[nodiscard]] std::error_code dns_error(int status) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
