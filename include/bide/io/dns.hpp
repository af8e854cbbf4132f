// SPDX-License-Identifier: BSL-1.0
//
// dns.hpp: looks up the addresses of a host and the places of a service.
//
//     for (const bide::ip_endpoint& at : co_await bide::lookup("example.org", 443))
//         std::cout << at.to_string() << '\n';
//
//     bide::dns_options options;                                       // or: which servers to ask, and for how long
//     options.servers = {bide::ip_endpoint::parse("9.9.9.9:53")};
//     const bide::resolver ask(options);
//     auto got = co_await bide::as_result(ask.lookup("nobody.example", 80));
//     if (got.error == bide::dns_errc::name_not_found) …
//
// Each look-up reads the system's configuration (resolv.conf, nsswitch.conf, the hosts file), so it notices a changed
// network; nothing is cached. A numeric address is returned as it is. A name without a dot at its end is also tried in
// the search domains. Addresses are sorted for connecting (RFC 6724), services as RFC 2782 says: by priority, and at
// random by weight among those of one priority.
//
// To connect to a host by its name, see connect.hpp.
//
// Thread rule: several threads may use one resolver at once. A look-up occupies no thread: the loop that carries the
//   task watches its sockets.
// Lifetime rule: a look-up does not refer to its resolver.
// Cancellation: a cancelled look-up closes its sockets at once. A look-up that needs a server throws std::logic_error
//   in virtual time; numeric addresses and names of the hosts file work there.
// Destructor: a resolver may be destroyed while its look-ups are under way.
// Errors: std::system_error with a dns_errc or a code of the system; as_result() returns the code instead. A string
//   that cannot be a name (empty, with a zero byte, too long): dns_errc::bad_name.
// This header is a part of the library bide::dns, which needs c-ares.
#pragma once

#include <bide/detail/io/coded_task.hpp>
#include <bide/io/error.hpp>
#include <bide/io/ip_endpoint.hpp>
#include <bide/task.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

namespace bide {
inline namespace v0 {

enum class dns_errc {
    name_not_found = 1,  ///< the name does not exist
    no_data,             ///< the name exists, but has no record of this kind
    timed_out,           ///< no server answered in time
    server_failed,       ///< the servers answered that they failed
    server_refused,      ///< the servers refused to answer
    no_server,           ///< no server could be reached
    bad_answer,          ///< the answer is malformed
    bad_name,            ///< the string cannot be a name
    not_implemented,     ///< the servers do not support this kind of question
    no_service,          ///< the domain declares that it does not have this service
};

[[nodiscard]] const std::error_category& dns_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(dns_errc e) noexcept {
    return std::error_code(static_cast<int>(e), dns_category());
}

enum class ip_family : std::uint8_t { any, v4, v6 };

/// Where a service is: the host `target`, whose addresses are still to be looked up, and the port.
class srv_record {
public:
    srv_record() noexcept = default;
    std::string target;
    std::uint16_t port = 0;
    std::uint16_t priority = 0;  ///< the lowest is tried first
    std::uint16_t weight = 0;    ///< its share among those of the same priority
    friend bool operator==(const srv_record&, const srv_record&) = default;
};

class dns_options {
public:
    dns_options() = default;
    /// The name servers; if it is empty, the system's. Port 0 means 53.
    std::vector<ip_endpoint> servers;
    /// How long to wait for a server's answer at the first attempt; later attempts wait longer. Zero: the system's
    /// setting, or 5 s.
    std::chrono::milliseconds timeout{0};
    /// How often each server is asked. 0: the system's setting, or 4.
    int attempts = 0;
    bool hosts_file = true;      ///< looks into the hosts file first
    bool search_domains = true;  ///< tries names in the search domains
};

class resolver {
public:
    using endpoints = std::vector<ip_endpoint>;
    using services = std::vector<srv_record>;

    /// Uses the system's configuration.
    resolver();
    /// Throws std::invalid_argument for a negative timeout or number.
    explicit resolver(dns_options options);

    /// Returns every address of the host, at least one, with this port.
    [[nodiscard]] detail::coded_task<endpoints, std::string> lookup(std::string host, std::uint16_t port = 0,
                                                                    ip_family family = ip_family::any) const;

    /// Returns the places of a service ("_xmpp-client._tcp.example.org"), at least one, in the order in which to try
    /// them.
    [[nodiscard]] detail::coded_task<services, std::string> lookup_srv(std::string name) const;

private:
    std::shared_ptr<const dns_options> options_;
};

/// resolver().lookup(…)
[[nodiscard]] detail::coded_task<std::vector<ip_endpoint>, std::string> lookup(std::string host, std::uint16_t port = 0,
                                                                               ip_family family = ip_family::any);

}  // namespace v0
}  // namespace bide

template <>
struct std::is_error_code_enum<bide::dns_errc> : std::true_type {};
