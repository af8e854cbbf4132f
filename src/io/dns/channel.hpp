// SPDX-License-Identifier: BSL-1.0
//
// channel: c-ares for one look-up. Its sockets are watched by the loop that carries the task; everything else is done
// by the task itself, so c-ares is never called from two threads, nor from within a loop's report.
//
// One channel per look-up, and not one per loop: a cancelled look-up takes its sockets with it, a look-up may stand on
// any executor, and no state outlives it. What that costs is a look at resolv.conf each time.
//
// The loop reports changes, c-ares does not read to the end (TCP): so what was reported is asked for again after each
// step. The sockets are made here and not by c-ares: closed on exec from their first moment, and no SIGPIPE.
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

/// How the loop tells the task. It lives as long as one of the sockets is watched.
struct dns_signal {
    event changed;
    spin_lock lock;  // over what the sockets were reported to be
};

class dns_socket;

class dns_channel {
public:
    /// Throws std::system_error.
    dns_channel(const dns_options& options, loop& carrier);
    dns_channel(const dns_channel&) = delete;
    dns_channel& operator=(const dns_channel&) = delete;
    ~dns_channel();  // what was asked for is told so (ARES_EDESTRUCTION), and every socket is closed

    [[nodiscard]] ares_channel get() const noexcept { return channel_; }
    /// Until `over` is true, which a callback of c-ares' sets. A static coroutine would not know the channel: it stays
    /// where it is until the task has ended.
    [[nodiscard]] task<> run_until(const bool& over);

    /// How c-ares' status is called. Where every server answered that it could not help, c-ares says that none could be
    /// reached; what they answered is kept here, for a better word.
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
    int refusal_ = 0;            // the last answer that was one
    std::exception_ptr failed_;  // a socket could not be watched
};

/// c-ares' status as an error; none for ARES_SUCCESS.
[[nodiscard]] std::error_code dns_error(int status) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace bide
