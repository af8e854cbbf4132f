// SPDX-License-Identifier: BSL-1.0
//
// udp_socket: binding, groups and options. Any thread calls it. Datagrams go by message_ops.
#include "io/socket_options.hpp"

#include <bide/io/udp.hpp>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <cerrno>
#include <cstring>

namespace bide {
inline namespace v0 {

using detail::last_error;

namespace {

constexpr detail::wait_kind send_kind{"udp send"};
constexpr detail::wait_kind receive_kind{"udp receive"};
constexpr const char* udp = "udp";  // how the texts of errors begin

detail::raw_address raw(const ip_endpoint& e) noexcept {
    detail::raw_address r;
    r.size = e.to_native(r.bytes);
    return r;
}

void set_option(int fd, int level, int name, const void* value, socklen_t size) {
    if (::setsockopt(fd, level, name, value, size) != 0) throw std::system_error(last_error(), "udp socket option");
}

using name_function = int (*)(int, sockaddr*, socklen_t*);
ip_endpoint endpoint_of(detail::socket_state& s, name_function name) {
    sockaddr_storage address{};
    s.use([&](int fd) {
        socklen_t size = sizeof address;
        if (name(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::system_error(last_error(), "the address of a udp socket");
    });
    return ip_endpoint::from_native(address);
}

detail::socket_owner open_udp(bool v6) {
    const int fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (fd < 0) throw std::system_error(last_error(), "udp socket");
    return detail::own_descriptor(fd);
}

in_addr v4_of(const ip_endpoint& e) noexcept {
    sockaddr_storage address{};
    static_cast<void>(e.to_native(address));
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    return in.sin_addr;
}
sockaddr_in6 v6_of(const ip_endpoint& e) noexcept {
    sockaddr_storage address{};
    static_cast<void>(e.to_native(address));
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof in);
    return in;
}

}  // namespace

datagram::datagram(detail::received&& r) noexcept
    : size(r.size), full_size(r.full_size), from(ip_endpoint::from_native(r.from.bytes)) {}

udp_socket udp_socket::open_like(const ip_endpoint& like) {
    udp_socket made;
    made.socket_ = open_udp(like.is_v6());
    made.v6_ = like.is_v6();
    return made;
}

udp_socket udp_socket::bind(const ip_endpoint& at, const udp_options& options) {
    udp_socket made = open_like(at);
    detail::socket_state& s = made.socket();
    if (options.reuse_port) detail::set_option(s, udp, SOL_SOCKET, SO_REUSEPORT, 1);
    if (options.reuse_address) detail::set_option(s, udp, SOL_SOCKET, SO_REUSEADDR, 1);
    if (at.is_v6()) detail::set_option(s, udp, IPPROTO_IPV6, IPV6_V6ONLY, options.only_v6 ? 1 : 0);
    const detail::raw_address address = raw(at);
    s.use([&](int fd) {
        if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0)
            throw std::system_error(last_error(), "udp socket at " + at.to_string());
    });
    return made;
}

void udp_socket::connect(const ip_endpoint& to) {
    const detail::raw_address address = raw(to);
    socket().use([&](int fd) {
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0)
            throw std::system_error(last_error(), "udp connect to " + to.to_string());
    });
}

detail::send_whole_op udp_socket::send_to(out_bytes b, const ip_endpoint& to) {
    return {send_kind, socket(), b, raw(to)};
}
detail::send_whole_op udp_socket::send(out_bytes b) { return {send_kind, socket(), b, detail::raw_address()}; }
detail::receive_op<datagram> udp_socket::receive_from(in_bytes b) { return {receive_kind, socket(), b}; }

void udp_socket::membership(int how_v4, int how_v6, const ip_endpoint& group, const ip_endpoint& at) {
    socket().use([&](int fd) {
        if (group.is_v6()) {
            ipv6_mreq request{};
            request.ipv6mr_multiaddr = v6_of(group).sin6_addr;
            request.ipv6mr_interface = at.is_v6() ? v6_of(at).sin6_scope_id : 0;
            set_option(fd, IPPROTO_IPV6, how_v6, &request, sizeof request);
        } else {
            ip_mreq request{};
            request.imr_multiaddr = v4_of(group);
            request.imr_interface = v4_of(at);
            set_option(fd, IPPROTO_IP, how_v4, &request, sizeof request);
        }
    });
}
void udp_socket::join(const ip_endpoint& group, const ip_endpoint& at) {
    membership(IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP, group, at);
}
void udp_socket::leave(const ip_endpoint& group, const ip_endpoint& at) {
    membership(IP_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP, group, at);
}

void udp_socket::set_multicast_loop(bool on) {
    v6_ ? detail::set_option(socket(), udp, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, on)
        : detail::set_option(socket(), udp, IPPROTO_IP, IP_MULTICAST_LOOP, on);
}
bool udp_socket::multicast_loop() const {
    return (v6_ ? detail::option(socket(), udp, IPPROTO_IPV6, IPV6_MULTICAST_LOOP)
                : detail::option(socket(), udp, IPPROTO_IP, IP_MULTICAST_LOOP)) != 0;
}
void udp_socket::set_multicast_hops(int routers) {
    v6_ ? detail::set_option(socket(), udp, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, routers)
        : detail::set_option(socket(), udp, IPPROTO_IP, IP_MULTICAST_TTL, routers);
}
int udp_socket::multicast_hops() const {
    return v6_ ? detail::option(socket(), udp, IPPROTO_IPV6, IPV6_MULTICAST_HOPS)
               : detail::option(socket(), udp, IPPROTO_IP, IP_MULTICAST_TTL);
}
void udp_socket::set_multicast_interface(const ip_endpoint& at) {
    if (v6_) {
        detail::set_option(socket(), udp, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(v6_of(at).sin6_scope_id));
        return;
    }
    const in_addr address = v4_of(at);
    socket().use([&](int fd) { set_option(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address); });
}
void udp_socket::set_broadcast(bool on) { detail::set_option(socket(), udp, SOL_SOCKET, SO_BROADCAST, on); }
bool udp_socket::broadcast() const { return detail::option(socket(), udp, SOL_SOCKET, SO_BROADCAST) != 0; }
void udp_socket::set_send_buffer(int bytes) { detail::set_send_buffer(socket(), udp, bytes); }
int udp_socket::send_buffer() const { return detail::send_buffer(socket(), udp); }
void udp_socket::set_receive_buffer(int bytes) { detail::set_receive_buffer(socket(), udp, bytes); }
int udp_socket::receive_buffer() const { return detail::receive_buffer(socket(), udp); }
void udp_socket::set_hops(int routers) { detail::set_hops(socket(), udp, routers); }
int udp_socket::hops() const { return detail::hops(socket(), udp); }
ip_endpoint udp_socket::endpoint() const { return endpoint_of(socket(), &::getsockname); }
ip_endpoint udp_socket::peer_endpoint() const { return endpoint_of(socket(), &::getpeername); }

}  // namespace v0
}  // namespace bide
