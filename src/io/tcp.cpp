// SPDX-License-Identifier: BSL-1.0
//
// tcp_stream and tcp_listener: listening, addresses, options of one call. Any thread calls it. What waits is in
// tcp_ops.cpp.
#include <bide/detail/io/byte_ops.hpp>
#include <bide/io/tcp.hpp>
#include <bide/io/tcp_options.hpp>

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

// A socket that listens; set_options(fd) is called before it is bound.
template <class F>
detail::socket_owner open_listener(const ip_endpoint& at, int backlog, F set_options) {
    const int fd = detail::open_tcp(at);
    if (fd < 0) throw std::system_error(last_error(), "tcp socket");
    detail::socket_owner owner = detail::own_descriptor(fd);
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);  // a port that only has old connections is free
    set_options(fd);
    sockaddr_storage address{};
    const socklen_t size = at.to_native(address);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd, backlog) != 0)
        throw std::system_error(last_error(), "tcp listen on " + at.to_string());
    return owner;
}

}  // namespace

// ---- the stream ---------------------------------------------------------------------------------------------------

detail::socket_state& tcp_stream::socket() const { return detail::socket_of(socket_, "tcp_stream"); }
void tcp_stream::shutdown_send() {
    socket().use([](int fd) {
        if (::shutdown(fd, SHUT_WR) != 0) throw std::system_error(last_error(), "tcp shutdown");
    });
}
void tcp_stream::close() noexcept {
    if (socket_.get() != nullptr) socket_.get()->close();
}
bool tcp_stream::is_open() const noexcept { return native_handle() >= 0; }
ip_endpoint tcp_stream::local_endpoint() const { return endpoint_of(socket(), &::getsockname); }
ip_endpoint tcp_stream::remote_endpoint() const { return endpoint_of(socket(), &::getpeername); }
void tcp_stream::set_no_delay(bool on) {
    socket().use([on](int fd) { set_option(fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0); });
}
int tcp_stream::native_handle() const noexcept { return socket_.get() != nullptr ? socket_.get()->descriptor() : -1; }

// ---- the listener -------------------------------------------------------------------------------------------------

tcp_listener tcp_listener::listen(const ip_endpoint& at, int backlog) {
    return tcp_listener(open_listener(at, backlog, [](int) {}));
}
tcp_listener tcp_listener::listen(const ip_endpoint& at, const listen_options& options) {
    return tcp_listener(open_listener(at, options.backlog, [&](int fd) {
        if (options.reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        if (at.is_v6()) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.only_v6 ? 1 : 0);
    }));
}
detail::socket_state& tcp_listener::socket() const { return detail::socket_of(socket_, "tcp_listener"); }
void tcp_listener::close() noexcept {
    if (socket_.get() != nullptr) socket_.get()->close();
}
bool tcp_listener::is_open() const noexcept { return native_handle() >= 0; }
ip_endpoint tcp_listener::local_endpoint() const { return endpoint_of(socket(), &::getsockname); }
int tcp_listener::native_handle() const noexcept { return socket_.get() != nullptr ? socket_.get()->descriptor() : -1; }

}  // namespace v0
}  // namespace bide
