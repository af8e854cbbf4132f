// SPDX-License-Identifier: BSL-1.0
//
// ip_endpoint: an IP address, version 4 or 6, and a port.
//
//     auto everywhere = bide::ip_endpoint::any(8080);
//     auto server = bide::ip_endpoint::parse("[::1]:8080");
//     std::cout << server.to_string();                        // [::1]:8080
//
// Names are not looked up: an address is written in numbers, or as "localhost" (which is 127.0.0.1).
//
// Thread rule: a value.
// Errors: parse throws std::invalid_argument, whose text has what it could not read.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

struct sockaddr;
struct sockaddr_storage;

namespace bide {
inline namespace v0 {

class ip_endpoint {
public:
    /// 0.0.0.0, port 0.
    ip_endpoint() noexcept = default;

    /// "127.0.0.1", "::1", "fe80::1%eth0" or "localhost", and the port beside it.
    [[nodiscard]] static ip_endpoint parse(std::string_view address, std::uint16_t port);
    /// "127.0.0.1:80", "[::1]:80", "localhost:80".
    [[nodiscard]] static ip_endpoint parse(std::string_view address_and_port);

    /// This machine only.
    [[nodiscard]] static ip_endpoint loopback(std::uint16_t port) noexcept;
    [[nodiscard]] static ip_endpoint loopback_v6(std::uint16_t port) noexcept;
    /// Every address of this machine.
    [[nodiscard]] static ip_endpoint any(std::uint16_t port) noexcept;
    [[nodiscard]] static ip_endpoint any_v6(std::uint16_t port) noexcept;

    [[nodiscard]] bool is_v6() const noexcept { return v6_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    void set_port(std::uint16_t port) noexcept { port_ = port; }
    /// Without the port.
    [[nodiscard]] std::string address() const;
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const ip_endpoint&, const ip_endpoint&) noexcept = default;

    // Internal: as the system has it.
    [[nodiscard]] static ip_endpoint from_native(const sockaddr_storage& from) noexcept;
    [[nodiscard]] unsigned to_native(sockaddr_storage& to) const noexcept;  // how many bytes of it count

private:
    std::array<std::uint8_t, 16> bytes_{};  // in network order; version 4 has the first four
    std::uint32_t scope_ = 0;               // the interface of a link-local address
    std::uint16_t port_ = 0;
    bool v6_ = false;
};

}  // namespace v0
}  // namespace bide
