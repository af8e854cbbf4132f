// SPDX-License-Identifier: BSL-1.0
//
// Over what the soak's connections go, and how each kind of link is cut. Both sides are written once, over all of them.
#pragma once

#include <bide/io/local.hpp>
#include <bide/io/tcp.hpp>
#include <bide/io/tls.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace soak {

using tls_over_tcp = bide::tls_stream<bide::tcp_stream>;

enum class link : std::uint8_t { tcp, local, tls, disk };  // the last one: files (disk.hpp)
inline constexpr std::size_t links = 4;
inline constexpr std::array<std::string_view, links> link_names{"tcp", "local", "tls", "disk"};

/// Closes it at once: what was not sent is thrown away, and the peer is told so (RST).
void cut(bide::tcp_stream& s);
/// The peer of a local stream is told that something was not read; else it sees the end.
inline void cut(bide::local_stream& s) { s.close(); }
inline void cut(tls_over_tcp& s) { cut(s.below()); }

/// How a peer's going shows: as a reset, a broken pipe or a cut stream, depending on what was under way.
[[nodiscard]] inline bool is_gone(const std::error_code& e) {
    return e == std::errc::connection_reset || e == std::errc::broken_pipe || e == std::errc::not_connected ||
           e == std::errc::connection_aborted || e == bide::tls_errc::truncated || e == bide::tls_errc::handshake_cut;
}
/// Descriptors are short.
[[nodiscard]] inline bool is_short(const std::error_code& e) {
    return e == std::errc::too_many_files_open || e == std::errc::too_many_files_open_in_system;
}

}  // namespace soak
