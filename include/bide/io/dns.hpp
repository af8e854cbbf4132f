// SPDX-License-Identifier: BSL-1.0
//
// dns.hpp: names looked up: the addresses of a host, the places of a service.
//
//     for (const bide::ip_endpoint& at : co_await bide::lookup("example.org", 443)) std::cout << at.to_string() <<
//     '\n';
//
//     bide::dns_options options;                                       // or: whom to ask, and for how long
//     options.servers = {bide::ip_endpoint::parse("9.9.9.9:53")};
//     const bide::resolver ask(options);
//     auto got = co_await ask.try_lookup("nobody.example", 80);
//     if (got.error == bide::dns_errc::name_not_found) …
//
// The system's configuration is read at each look-up (resolv.conf, nsswitch.conf, the hosts file), so a network that
// changed is noticed; nothing is cached. An address in numbers is given back as it is. A name without a dot at its end
// is also tried in the search domains. Addresses come in the order in which they are best tried (RFC 6724); services as
// RFC 2782 says: by priority, those of one priority at random, by weight.
//
// To connect to a host by its name, see connect.hpp.
//
// Thread rule: a resolver is a value that several threads may use at once. A look-up uses no thread: the loop that
//   carries the task watches its sockets.
// Lifetime rule: a look-up does not refer to its resolver.
// Cancellation: a cancelled look-up closes its sockets at once. No look-up works in virtual time (std::logic_error),
//   but for addresses in numbers and names of the hosts file.
// Errors: std::system_error, with a dns_errc or with what the system says; the try_ forms give an io_result. A name
//   that is none (empty, with a zero byte, too long) is dns_errc::bad_name.
// This room is a library of its own: bide::dns (it needs c-ares).
#pragma once

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
    name_not_found = 1,  ///< there is no such name
    no_data,             ///< the name is there, but has no record of this kind
    timed_out,           ///< no server answered
    server_failed,       ///< the servers could not find it out
    server_refused,      ///< they would not say
    no_server,           ///< none could be reached
    bad_answer,          ///< what came was no answer
    bad_name,            ///< this cannot be a name
    not_implemented,     ///< the servers do not know the question
    no_service,          ///< the domain says that it does not have this service
};

[[nodiscard]] const std::error_category& dns_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(dns_errc e) noexcept {
    return std::error_code(static_cast<int>(e), dns_category());
}

enum class ip_family : std::uint8_t { any, v4, v6 };

/// A place where a service is: look its target up, and connect to the port.
class srv_record {
public:
    srv_record() noexcept = default;
    std::string target;
    std::uint16_t port = 0;
    std::uint16_t priority = 0;  // the lowest is tried first
    std::uint16_t weight = 0;    // its share among those of the same priority
    friend bool operator==(const srv_record&, const srv_record&) = default;
};

class dns_options {
public:
    dns_options() = default;
    /// Empty: the system's. Each may have a port of its own; 0 is 53.
    std::vector<ip_endpoint> servers;
    /// For the first answer of a server; later attempts wait longer. Zero: as the system says (else 5 s).
    std::chrono::milliseconds timeout{0};
    /// How often each server is asked. 0: as the system says (else 4).
    int attempts = 0;
    bool hosts_file = true;
    bool search_domains = true;
};

class resolver {
public:
    using endpoints = std::vector<ip_endpoint>;
    using services = std::vector<srv_record>;

    /// As the system is configured.
    resolver();
    /// Throws std::invalid_argument for a negative timeout or number.
    explicit resolver(dns_options options);

    /// Every address of the host, never none, with this port.
    [[nodiscard]] task<endpoints> lookup(std::string host, std::uint16_t port = 0,
                                         ip_family family = ip_family::any) const;
    [[nodiscard]] task<io_result<endpoints>> try_lookup(std::string host, std::uint16_t port = 0,
                                                        ip_family family = ip_family::any) const;

    /// Where a service is, "_xmpp-client._tcp.example.org", never none: in the order in which they are to be tried.
    [[nodiscard]] task<services> lookup_srv(std::string name) const;
    [[nodiscard]] task<io_result<services>> try_lookup_srv(std::string name) const;

private:
    std::shared_ptr<const dns_options> options_;
};

/// resolver().lookup(…)
[[nodiscard]] task<std::vector<ip_endpoint>> lookup(std::string host, std::uint16_t port = 0,
                                                    ip_family family = ip_family::any);

}  // namespace v0
}  // namespace bide

template <>
struct std::is_error_code_enum<bide::dns_errc> : std::true_type {};
