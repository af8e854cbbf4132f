// SPDX-License-Identifier: BSL-1.0
//
// connect.hpp: a connection to a host by its name.
//
//     bide::tcp_stream s = co_await bide::connect_tcp("example.org", 80);
//     auto page = co_await bide::with_timeout(3s, bide::connect_tcp("example.org", 80));
//
// A host may have several addresses, of version 4 and 6, and some of them may not answer. They are tried as RFC 8305
// ("happy eyeballs") says: both families are looked up at once, their addresses are tried in turn, and the next one is
// begun 250 ms after the one before, or when that has failed. The first connection wins; the others are cancelled, and
// closed before it is given out.
//
// Thread rule: a function; options are values.
// Lifetime rule: nothing is referred to.
// Cancellation: a cancelled connect closes everything that it had begun.
// Errors: std::system_error: the look-up's (dns_errc), or that of the first address, with the others' in its message;
//   the try_ form gives an io_result. There is no limit of its own: with_timeout gives one. std::invalid_argument for
//   negative durations.
// This room is a part of the library bide::dns (it needs c-ares).
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
    /// How long an address has, before the next one is tried beside it.
    std::chrono::milliseconds stagger{250};
    /// How long version 6 has to be looked up, when version 4 is there already.
    std::chrono::milliseconds resolution_delay{50};
    resolver names;
};

[[nodiscard]] task<tcp_stream> connect_tcp(std::string host, std::uint16_t port,
                                           connect_options options = connect_options());
[[nodiscard]] task<io_result<tcp_stream>> try_connect_tcp(std::string host, std::uint16_t port,
                                                          connect_options options = connect_options());

}  // namespace v0
}  // namespace bide
