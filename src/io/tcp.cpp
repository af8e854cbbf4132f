// SPDX-License-Identifier: BSL-1.0
//
// tcp_stream and tcp_listener: listening, addresses, options of one call. Any thread calls it. What waits is in
// tcp_ops.cpp.
#include "io/socket_options.hpp"

#include <bide/detail/io/byte_ops.hpp>
#include <bide/io/tcp.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace bide {
inline namespace v0 {

using detail::last_error;

namespace {

void set_option(int fd, int level, int name, int value) {
    if (::setsockopt(fd, level, name, &value, sizeof value) != 0)
        throw std::system_error(last_error(), "tcp socket option");
}

using name_function = int (*)(int, sockaddr*, socklen_t*);
ip_endpoint endpoint_of(detail::socket_state& s, name_function name) {
    sockaddr_storage address{};
    s.use([&](int fd) {
        socklen_t size = sizeof address;
        if (name(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::system_error(last_error(), "the address of a tcp socket");
    });
    return ip_endpoint::from_native(address);
}

constexpr const char* tcp = "tcp";  // how the texts of errors begin

}  // namespace

// ---- the stream ---------------------------------------------------------------------------------------------------

detail::socket_state& tcp_stream::socket() const { return detail::socket_of(socket_, "tcp_stream"); }
void tcp_stream::close() noexcept {
    if (socket_.get() != nullptr) socket_.get()->close();
}
bool tcp_stream::is_open() const noexcept { return native_handle() >= 0; }
ip_endpoint tcp_stream::endpoint() const { return endpoint_of(socket(), &::getsockname); }
ip_endpoint tcp_stream::peer_endpoint() const { return endpoint_of(socket(), &::getpeername); }
int tcp_stream::native_handle() const noexcept { return socket_.get() != nullptr ? socket_.get()->descriptor() : -1; }

void tcp_stream::set_no_delay(bool on) { detail::set_option(socket(), tcp, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0); }
bool tcp_stream::no_delay() const { return detail::option(socket(), tcp, IPPROTO_TCP, TCP_NODELAY) != 0; }

void tcp_stream::set_keep_alive(const keep_alive_options& how) {
    detail::socket_state& s = socket();
    detail::set_option(s, tcp, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(how.idle.count()));
    detail::set_option(s, tcp, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(how.interval.count()));
    detail::set_option(s, tcp, IPPROTO_TCP, TCP_KEEPCNT, how.probes);
    detail::set_option(s, tcp, SOL_SOCKET, SO_KEEPALIVE, 1);
}
void tcp_stream::set_keep_alive(std::nullopt_t) { detail::set_option(socket(), tcp, SOL_SOCKET, SO_KEEPALIVE, 0); }
std::optional<keep_alive_options> tcp_stream::keep_alive() const {
    detail::socket_state& s = socket();
    if (detail::option(s, tcp, SOL_SOCKET, SO_KEEPALIVE) == 0) return std::nullopt;
    keep_alive_options how;
    how.idle = std::chrono::seconds(detail::option(s, tcp, IPPROTO_TCP, TCP_KEEPIDLE));
    how.interval = std::chrono::seconds(detail::option(s, tcp, IPPROTO_TCP, TCP_KEEPINTVL));
    how.probes = detail::option(s, tcp, IPPROTO_TCP, TCP_KEEPCNT);
    return how;
}

void tcp_stream::set_send_buffer(int bytes) { detail::set_send_buffer(socket(), tcp, bytes); }
int tcp_stream::send_buffer() const { return detail::send_buffer(socket(), tcp); }
void tcp_stream::set_receive_buffer(int bytes) { detail::set_receive_buffer(socket(), tcp, bytes); }
int tcp_stream::receive_buffer() const { return detail::receive_buffer(socket(), tcp); }
void tcp_stream::set_hops(int routers) { detail::set_hops(socket(), tcp, routers); }
int tcp_stream::hops() const { return detail::hops(socket(), tcp); }

void tcp_stream::set_reset_on_close(bool on) {
    const linger how{on ? 1 : 0, 0};
    socket().use([&](int fd) {
        if (::setsockopt(fd, SOL_SOCKET, SO_LINGER, &how, sizeof how) != 0)
            throw std::system_error(last_error(), "tcp socket option");
    });
}
bool tcp_stream::reset_on_close() const {
    linger how{};
    socket().use([&](int fd) {
        socklen_t size = sizeof how;
        if (::getsockopt(fd, SOL_SOCKET, SO_LINGER, &how, &size) != 0)
            throw std::system_error(last_error(), "tcp socket option");
    });
    return how.l_onoff != 0 && how.l_linger == 0;
}

// ---- the listener -------------------------------------------------------------------------------------------------

tcp_listener tcp_listener::listen(const ip_endpoint& at, const listen_options& options) {
    const int fd = detail::open_tcp(at);
    if (fd < 0) throw std::system_error(last_error(), "tcp socket");
    tcp_listener made(detail::own_descriptor(fd));
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);  // a port that only has old connections is free
    if (options.reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (at.is_v6()) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.only_v6 ? 1 : 0);
    sockaddr_storage address{};
    const socklen_t size = at.to_native(address);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd, options.backlog) != 0)
        throw std::system_error(last_error(), "tcp listen on " + at.to_string());
    return made;
}
detail::socket_state& tcp_listener::socket() const { return detail::socket_of(socket_, "tcp_listener"); }
void tcp_listener::close() noexcept {
    if (socket_.get() != nullptr) socket_.get()->close();
}
bool tcp_listener::is_open() const noexcept { return native_handle() >= 0; }
ip_endpoint tcp_listener::endpoint() const { return endpoint_of(socket(), &::getsockname); }
void tcp_listener::set_send_buffer(int bytes) { detail::set_send_buffer(socket(), tcp, bytes); }
int tcp_listener::send_buffer() const { return detail::send_buffer(socket(), tcp); }
void tcp_listener::set_receive_buffer(int bytes) { detail::set_receive_buffer(socket(), tcp, bytes); }
int tcp_listener::receive_buffer() const { return detail::receive_buffer(socket(), tcp); }
int tcp_listener::native_handle() const noexcept { return socket_.get() != nullptr ? socket_.get()->descriptor() : -1; }

}  // namespace v0
}  // namespace bide
