// SPDX-License-Identifier: BSL-1.0
//
// connect_tcp: the race of addresses (happy_eyeballs.hpp) with the real look-up and TCP's connect. Runs where the task
// runs.
#include "io/dns/happy_eyeballs.hpp"

#include <bide/io/connect.hpp>

#include <stdexcept>
#include <utility>

namespace bide {
inline namespace v0 {

namespace {

using race_of_tcp = detail::address_race<tcp_stream>;

void check(const connect_options& o) {
    if (o.stagger.count() < 0 || o.resolution_delay.count() < 0)
        throw std::invalid_argument("connect_options: a duration is negative");
}

task<io_result<tcp_stream>> connect_to(ip_endpoint to) { co_return co_await tcp_stream::try_connect(to); }

// The functions refer to options and name in the frame of the caller, which outlives the race.
race_of_tcp::lookup_function lookup_by(const connect_options& o, const std::string& host, std::uint16_t port) {
    return [&o, &host, port](ip_family family) { return o.names.try_lookup(host, port, family); };
}

}  // namespace

task<io_result<tcp_stream>> try_connect_tcp(std::string host, std::uint16_t port, connect_options options) {
    check(options);
    race_of_tcp race(lookup_by(options, host, port), &connect_to, options.stagger, options.resolution_delay);
    co_return co_await race.run();
}

task<tcp_stream> connect_tcp(std::string host, std::uint16_t port, connect_options options) {
    check(options);
    race_of_tcp race(lookup_by(options, host, port), &connect_to, options.stagger, options.resolution_delay);
    io_result<tcp_stream> got = co_await race.run();
    if (got.error) {
        std::string what = "connect to " + host + ":" + std::to_string(port);
        if (!race.told().empty()) what += " (" + race.told() + ")";
        throw std::system_error(got.error, what);
    }
    co_return std::move(got.value);
}

}  // namespace v0
}  // namespace bide
