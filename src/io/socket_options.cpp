// SPDX-License-Identifier: BSL-1.0
//
// Options of sockets, set and asked on the calling thread, while the socket_state keeps the descriptor open.
#include "io/socket_options.hpp"

#include <bide/detail/io/byte_ops.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <string>
#include <system_error>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
[[noreturn]] void fail(const char* what) {
    throw std::system_error(last_error(), std::string(what) + " socket option");
}
int ask(int fd, const char* what, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(fd, level, name, &value, &size) != 0) fail(what);
    return value;
}
void tell(int fd, const char* what, int level, int name, int value) {
    if (::setsockopt(fd, level, name, &value, sizeof value) != 0) fail(what);
}
}  // namespace

void set_option(socket_state& s, const char* what, int level, int name, int value) {
    s.use([&](int fd) { tell(fd, what, level, name, value); });
}
int option(socket_state& s, const char* what, int level, int name) {
    int value = 0;
    s.use([&](int fd) { value = ask(fd, what, level, name); });
    return value;
}

void set_send_buffer(socket_state& s, const char* what, int bytes) {
    set_option(s, what, SOL_SOCKET, SO_SNDBUF, bytes);
}
int send_buffer(socket_state& s, const char* what) { return option(s, what, SOL_SOCKET, SO_SNDBUF); }
void set_receive_buffer(socket_state& s, const char* what, int bytes) {
    set_option(s, what, SOL_SOCKET, SO_RCVBUF, bytes);
}
int receive_buffer(socket_state& s, const char* what) { return option(s, what, SOL_SOCKET, SO_RCVBUF); }

void set_hops(socket_state& s, const char* what, int routers) {
    s.use([&](int fd) {
        const bool v6 = ask(fd, what, SOL_SOCKET, SO_DOMAIN) == AF_INET6;
        if (v6) tell(fd, what, IPPROTO_IPV6, IPV6_UNICAST_HOPS, routers);
        // A socket of version 6 that also talks to version 4 sends those packets with the option of version 4.
        if (!v6 || ask(fd, what, IPPROTO_IPV6, IPV6_V6ONLY) == 0) tell(fd, what, IPPROTO_IP, IP_TTL, routers);
    });
}
int hops(socket_state& s, const char* what) {
    int routers = 0;
    s.use([&](int fd) {
        routers = ask(fd, what, SOL_SOCKET, SO_DOMAIN) == AF_INET6 ? ask(fd, what, IPPROTO_IPV6, IPV6_UNICAST_HOPS)
                                                                   : ask(fd, what, IPPROTO_IP, IP_TTL);
    });
    return routers;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
