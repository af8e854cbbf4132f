// SPDX-License-Identifier: BSL-1.0
//
// connect_tcp: the race of addresses (happy_eyeballs.hpp) with the real look-up and TCP's connect. Runs where the task
// runs.
#include "io/dns/happy_eyeballs.hpp"

#include <bide/io/connect.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {

namespace {

using race_of_tcp = detail::address_race<tcp_stream>;

void check(const connect_options& o) {
    if (o.stagger.count() < 0 || o.resolution_delay.count() < 0)
        throw std::invalid_argument("connect_options: a duration is negative");
}

task<result<tcp_stream>> connect_to(ip_endpoint to) { co_return co_await as_result(tcp_stream::connect(to)); }

// `what` becomes the text of the exception that a plain connect_tcp throws.
task<result<tcp_stream>> connect_by_name(std::string host, std::uint16_t port, connect_options options,
                                         detail::shared_text what) {
    check(options);
    // The functions refer to this frame, which outlives the race.
    race_of_tcp race([&](ip_family family) { return options.names.lookup(host, port, family).coded(); }, &connect_to,
                     options.stagger, options.resolution_delay);
    result<tcp_stream> got = co_await race.run();
    if (got.error) {
        *what = "connect to " + host + ":" + std::to_string(port);
        if (!race.told().empty()) *what += " (" + race.told() + ")";
    }
    co_return std::move(got);
}

}  // namespace

detail::coded_task<tcp_stream, detail::shared_text> connect_tcp(std::string host, std::uint16_t port,
                                                                connect_options options) {
    auto what = std::make_shared<std::string>();
    return {connect_by_name(std::move(host), port, std::move(options), what), what};
}

}  // namespace v0
}  // namespace bide
