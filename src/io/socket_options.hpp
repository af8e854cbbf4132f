// SPDX-License-Identifier: BSL-1.0
//
// Options of sockets that have an integer for a value, to set and to ask: for the members of tcp_stream, tcp_listener,
// udp_socket, local_stream and local_datagram. Any thread calls them; each is one system call (of hops two). Errors:
// std::system_error, whose text begins with `what`; std::errc::bad_file_descriptor for a closed socket.
#pragma once

#include <bide/detail/io/socket.hpp>

namespace bide {
inline namespace v0 {
namespace detail {

void set_option(socket_state& s, const char* what, int level, int name, int value);
[[nodiscard]] int option(socket_state& s, const char* what, int level, int name);

void set_send_buffer(socket_state& s, const char* what, int bytes);
[[nodiscard]] int send_buffer(socket_state& s, const char* what);
void set_receive_buffer(socket_state& s, const char* what, int bytes);
[[nodiscard]] int receive_buffer(socket_state& s, const char* what);

/// How many routers may pass on what the socket sends to one host: the TTL of version 4, the hop limit of version 6.
void set_hops(socket_state& s, const char* what, int routers);
[[nodiscard]] int hops(socket_state& s, const char* what);

}  // namespace detail
}  // namespace v0
}  // namespace bide
