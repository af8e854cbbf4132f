// SPDX-License-Identifier: BSL-1.0
//
// What a connection of the soak does, said by its client in a header, so that both ends know what to expect; and the
// bytes that it carries, of which each follows from the connection's seed and the place: a byte that was lost, doubled
// or taken from another connection shows at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace soak {

enum class plan : std::uint8_t {
    whole,            // everything there and back
    slow,             // the same, a few bytes at a time
    reads_cancelled,  // the same, and the client's reads are stopped again and again
    half_closed,      // the client ends its side early
    client_resets,    // it is cut in the middle
    server_resets,
    server_closes,    // without reading what is still coming
    write_cancelled,  // the server does not read for a while, the client gives up writing
    silent,           // the client says nothing, the server gives it up
    refused,          // nobody listens there
    no_handshake,     // the client goes before it has said who it is (tls)
};
inline constexpr std::size_t plans = 11;
inline constexpr std::array<std::string_view, plans> plan_names{
    "whole",           "slow",   "reads cancelled", "half closed", "cut by client", "cut by server", "closed by server",
    "write cancelled", "silent", "refused",         "no handshake"};
[[nodiscard]] constexpr std::string_view name_of(plan p) noexcept { return plan_names[static_cast<std::size_t>(p)]; }

struct header {
    std::uint64_t seed = 0;
    std::uint32_t length = 0;
    plan what = plan::whole;
    std::uint8_t unused[3] = {};
};
static_assert(sizeof(header) == 16);

[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {  // splitmix64's
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}
[[nodiscard]] constexpr std::byte byte_at(std::uint64_t seed, std::uint64_t place) noexcept {
    return static_cast<std::byte>(mix(seed + place / 8) >> place % 8 * 8);
}
inline void fill(std::span<std::byte> to, std::uint64_t seed, std::uint64_t place) noexcept {
    for (std::byte& b : to) b = byte_at(seed, place++);
}
[[nodiscard]] inline bool is_right(std::span<const std::byte> got, std::uint64_t seed, std::uint64_t place) noexcept {
    for (const std::byte b : got)
        if (b != byte_at(seed, place++)) return false;
    return true;
}

/// FNV-1a, of what one end sent or received.
class hash {
public:
    void add(std::span<const std::byte> bytes) noexcept {
        for (const std::byte b : bytes) value_ = (value_ ^ static_cast<std::uint64_t>(b)) * 0x100000001b3U;
    }
    friend bool operator==(const hash&, const hash&) = default;

private:
    std::uint64_t value_ = 0xcbf29ce484222325U;
};

/// A number below n, of a sequence that the seed determines.
class dice {
public:
    explicit dice(std::uint64_t seed) noexcept : state_(seed) {}
    [[nodiscard]] std::uint64_t below(std::uint64_t n) noexcept { return mix(state_++) % n; }

private:
    std::uint64_t state_;
};

}  // namespace soak
