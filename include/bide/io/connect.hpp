// SPDX-License-Identifier: BSL-1.0
//
// connect.hpp: connects to a host by its name.
//
//     bide::tcp_stream s = co_await bide::connect_tcp("example.org", 80);
//     auto page = co_await bide::with_timeout(3s, bide::connect_tcp("example.org", 80));
//
// A host may have several addresses, of IPv4 and IPv6, and some of them may not answer. connect_tcp tries them as RFC
// 8305 ("happy eyeballs") says: it looks up both families at once, and tries the addresses in turn; it begins the next
// attempt 250 ms after the last one, or as soon as that has failed. The first connection wins. The other attempts are
// cancelled, and closed before the task gives the winner.
//
// Thread rule: both functions may be called on any thread; options are values.
// Lifetime rule: the task owns copies of its arguments.
// Cancellation: a cancelled connect closes every attempt that it has begun.
// Destructor: a task that was not begun has no effect.
// Errors: std::system_error with the look-up's code (dns_errc) or that of the first attempt that failed; its text names
//   every attempt. as_result() returns the code instead. std::invalid_argument for negative durations. There is no
//   time limit for the whole: with_timeout gives one.
// Units: std::chrono durations.
// This header is a part of the library bide::dns, which needs c-ares.
#pragma once

#include <bide/io/dns.hpp>
#include <bide/io/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace bide {
inline namespace v0 {

class connect_options {
public:
    connect_options() = default;
    /// How long an attempt runs alone before the next one begins beside it.
    std::chrono::milliseconds stagger{250};
    /// How long the first attempt waits for the IPv6 addresses when those of IPv4 have arrived.
    std::chrono::milliseconds resolution_delay{50};
    resolver names;  ///< looks the host up
};

[[nodiscard]] detail::coded_task<tcp_stream, detail::shared_text> connect_tcp(
    std::string host, std::uint16_t port, connect_options options = connect_options());

}  // namespace v0
}  // namespace bide
