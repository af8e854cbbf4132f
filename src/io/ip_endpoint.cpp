// SPDX-License-Identifier: BSL-1.0
//
// ip_endpoint: text to address and back, and the system's form. Values only: any thread, no lock.
//
// parse() accepts numbers alone. Names are looked up in io/dns, which needs a resolver.
#include <bide/io/ip_endpoint.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace bide {
inline namespace v0 {

namespace {
[[noreturn]] void refuse(std::string_view text, const char* why) {
    throw std::invalid_argument("\"" + std::string(text) + "\" is not an IP address" + why +
                                " (numbers as in 127.0.0.1 or ::1, or localhost; names are not looked up)");
}

std::uint16_t port_of(std::string_view whole, std::string_view text) {
    std::uint16_t port = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [stop, error] = std::from_chars(begin, end, port);
    if (text.empty() || error != std::errc() || stop != end) refuse(whole, " with a port from 0 to 65535");
    return port;
}
}  // namespace

ip_endpoint ip_endpoint::parse(std::string_view address, std::uint16_t port) {
    ip_endpoint e;
    e.port_ = port;
    if (address == "localhost") {
        const ip_endpoint here = loopback(port);
        return here;
    }
    const std::size_t percent = address.find('%');
    const std::string number(address.substr(0, percent));
    if (number.find('\0') != std::string::npos) refuse(address, "");
    if (::inet_pton(AF_INET, number.c_str(), e.bytes_.data()) == 1 && percent == std::string_view::npos) return e;
    e.bytes_ = {};
    if (::inet_pton(AF_INET6, number.c_str(), e.bytes_.data()) != 1) refuse(address, "");
    e.v6_ = true;
    if (percent != std::string_view::npos) {
        const std::string interface(address.substr(percent + 1));
        e.scope_ = ::if_nametoindex(interface.c_str());
        if (e.scope_ == 0) refuse(address, " (there is no such interface)");
    }
    return e;
}

ip_endpoint ip_endpoint::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) refuse(text, " with a port");
    std::string_view address = text.substr(0, colon);
    const std::uint16_t port = port_of(text, text.substr(colon + 1));
    if (address.size() >= 2 && address.front() == '[' && address.back() == ']') {
        address = address.substr(1, address.size() - 2);
        if (address.find(':') == std::string_view::npos) refuse(text, " with a port");
    } else if (address.find(':') != std::string_view::npos) {
        refuse(text, " with a port: version 6 is written [address]:port");
    }
    return parse(address, port);
}

ip_endpoint ip_endpoint::loopback(std::uint16_t port) noexcept {
    ip_endpoint e = any(port);
    e.bytes_[0] = 127;
    e.bytes_[3] = 1;
    return e;
}
ip_endpoint ip_endpoint::loopback_v6(std::uint16_t port) noexcept {
    ip_endpoint e = any_v6(port);
    e.bytes_[15] = 1;
    return e;
}
ip_endpoint ip_endpoint::any(std::uint16_t port) noexcept {
    ip_endpoint e;
    e.port_ = port;
    return e;
}
ip_endpoint ip_endpoint::any_v6(std::uint16_t port) noexcept {
    ip_endpoint e;
    e.port_ = port;
    e.v6_ = true;
    return e;
}

std::string ip_endpoint::address() const {
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
    std::string all(text);
    if (scope_ != 0) {
        char name[IF_NAMESIZE] = {};
        all += '%';
        all += ::if_indextoname(scope_, name) != nullptr ? std::string(name) : std::to_string(scope_);
    }
    return all;
}

std::string ip_endpoint::to_string() const {
    std::string all = address();
    if (v6_) all = '[' + all + ']';
    all += ':';
    all += std::to_string(port_);
    return all;
}

ip_endpoint ip_endpoint::from_native(const sockaddr_storage& from) noexcept {
    ip_endpoint e;
    if (from.ss_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &from, sizeof in);
        std::memcpy(e.bytes_.data(), &in.sin6_addr, 16);
        e.port_ = ntohs(in.sin6_port);
        e.scope_ = in.sin6_scope_id;
        e.v6_ = true;
    } else {
        sockaddr_in in{};
        std::memcpy(&in, &from, sizeof in);
        std::memcpy(e.bytes_.data(), &in.sin_addr, 4);
        e.port_ = ntohs(in.sin_port);
    }
    return e;
}

unsigned ip_endpoint::to_native(sockaddr_storage& to) const noexcept {
    to = {};
    if (v6_) {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        std::memcpy(&in.sin6_addr, bytes_.data(), 16);
        in.sin6_port = htons(port_);
        in.sin6_scope_id = scope_;
        std::memcpy(&to, &in, sizeof in);
        return sizeof in;
    }
    sockaddr_in in{};
    in.sin_family = AF_INET;
    std::memcpy(&in.sin_addr, bytes_.data(), 4);
    in.sin_port = htons(port_);
    std::memcpy(&to, &in, sizeof in);
    return sizeof in;
}

}  // namespace v0
}  // namespace bide
