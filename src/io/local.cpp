// SPDX-License-Identifier: BSL-1.0
//
// local_stream, local_listener and local_datagram: opening, naming and connecting local sockets. Any thread calls it.
//
// Bytes go by byte_ops, messages with descriptors by message_ops. Linux notifies no waiter when a listener's queue or
// an unconnected receiver has room again: there connect() and send_to() are tasks that try again after a pause.
#include "io/socket_options.hpp"

#include <bide/io/local.hpp>
#include <bide/time.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bide {
inline namespace v0 {

using namespace std::chrono_literals;
using detail::last_error;

namespace {

constexpr detail::wait_kind send_kind{"local socket send"};
constexpr detail::wait_kind receive_kind{"local socket receive"};

detail::socket_owner open_local(int type) {
    const int fd = ::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw std::system_error(last_error(), "local socket");
    return detail::own_descriptor(fd);
}

std::pair<detail::socket_owner, detail::socket_owner> open_pair(int type) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::system_error(last_error(), "local socket pair");
    owned_descriptor second(ends[1]);
    detail::socket_owner first = detail::own_descriptor(ends[0]);
    return {std::move(first), detail::own_descriptor(second.release())};
}

detail::bound_path bind_local(detail::socket_state& s, const local_endpoint& at) {
    sockaddr_un address{};
    const socklen_t size = at.to_native(address);
    s.use([&](int fd) {
        if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0)
            throw std::system_error(last_error(), "local socket at " + at.to_string());
    });
    return at.is_path() ? detail::bound_path(at.name()) : detail::bound_path();
}

int connect_local(int fd, const local_endpoint& to) noexcept {
    sockaddr_un address{};
    const socklen_t size = to.to_native(address);
    while (::connect(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0)
        if (errno != EINTR) return errno;
    return 0;
}

constexpr const char* local = "local";  // how the texts of errors begin

using name_function = int (*)(int, sockaddr*, socklen_t*);
local_endpoint endpoint_of(detail::socket_state& s, name_function name) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    s.use([&](int fd) {
        if (name(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::system_error(last_error(), "the name of a local socket");
    });
    return local_endpoint::from_native(address, size);
}

detail::raw_address raw(const local_endpoint& e) noexcept {
    detail::raw_address r;
    sockaddr_un address{};
    r.size = e.to_native(address);
    std::memcpy(&r.bytes, &address, sizeof address);
    return r;
}

/// The pause before the next try, longer each time, where the system notifies no waiter.
class pauses {
public:
    [[nodiscard]] auto next() noexcept { return sleep_for(std::exchange(now_, std::min(2 * now_, 50ms))); }

private:
    std::chrono::milliseconds now_{1};
};

}  // namespace

local_message::local_message(detail::received&& r)
    : size(r.size),
      full_size(r.full_size),
      lost_descriptors(r.lost_descriptors),
      descriptors(std::move(r.descriptors)) {
    sockaddr_un address{};
    std::memcpy(&address, &r.from.bytes, sizeof address);
    from = local_endpoint::from_native(address, r.from.size);
}

// ---- the stream -----------------------------------------------------------------------------------------------------

namespace {

task<result<local_stream>> connect_patiently(local_endpoint to) {
    std::error_code error;
    local_stream made;
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) co_return result<local_stream>(last_error(), std::move(made));
    made = local_stream(detail::own_descriptor(fd));
    pauses pause;
    for (;;) {
        const int failed = connect_local(fd, to);
        if (failed == 0) break;
        if (failed != EAGAIN) {
            error = std::error_code(failed, std::system_category());
            made = local_stream();
            break;
        }
        co_await pause.next();
    }
    co_return result<local_stream>(error, std::move(made));
}

}  // namespace

detail::coded_task<local_stream, std::string> local_stream::connect(local_endpoint to) {
    std::string what = "local socket connect to " + to.to_string();
    return {connect_patiently(std::move(to)), std::move(what)};
}

std::pair<local_stream, local_stream> local_stream::pair() {
    auto ends = open_pair(SOCK_STREAM);
    return {local_stream(std::move(ends.first)), local_stream(std::move(ends.second))};
}

local_stream local_stream::adopt(int fd) {
    local_stream made(detail::own_descriptor(fd));
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        throw std::system_error(last_error(), "adopt");
    return made;
}

detail::send_part_op local_stream::send_with(out_bytes b, std::span<const int> descriptors) {
    return {send_kind, socket(), b, detail::raw_address(), descriptors};
}
detail::receive_op<local_message> local_stream::receive_with(in_bytes b) { return {receive_kind, socket(), b}; }

local_peer local_stream::peer() const {
    ucred who{};
    socklen_t size = sizeof who;
    socket().use([&](int fd) {
        if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
            throw std::system_error(last_error(), "the peer of a local socket");
    });
    return {who.pid, who.uid, who.gid};
}

local_endpoint local_stream::endpoint() const { return endpoint_of(socket(), &::getsockname); }
local_endpoint local_stream::peer_endpoint() const { return endpoint_of(socket(), &::getpeername); }
void local_stream::set_send_buffer(int bytes) { detail::set_send_buffer(socket(), local, bytes); }
int local_stream::send_buffer() const { return detail::send_buffer(socket(), local); }
void local_stream::set_receive_buffer(int bytes) { detail::set_receive_buffer(socket(), local, bytes); }
int local_stream::receive_buffer() const { return detail::receive_buffer(socket(), local); }

// ---- the listener ---------------------------------------------------------------------------------------------------

local_listener local_listener::listen(const local_endpoint& at, const local_listen_options& options) {
    local_listener made;
    made.socket_ = open_local(SOCK_STREAM);
    made.path_ = bind_local(made.socket(), at);
    made.socket().use([&](int fd) {
        if (::listen(fd, options.backlog) != 0)
            throw std::system_error(last_error(), "local socket listen on " + at.to_string());
    });
    return made;
}
local_listener& local_listener::operator=(local_listener&& other) noexcept {
    if (this != &other) {
        close();
        socket_ = std::move(other.socket_);
        path_ = std::move(other.path_);
    }
    return *this;
}
void local_listener::close() noexcept {
    path_.remove();
    detail::close_socket(socket_);
}
local_endpoint local_listener::endpoint() const { return endpoint_of(socket(), &::getsockname); }

// ---- datagrams ------------------------------------------------------------------------------------------------------

local_datagram local_datagram::open() {
    local_datagram made;
    made.socket_ = open_local(SOCK_DGRAM);
    return made;
}
local_datagram local_datagram::bind(const local_endpoint& at) {
    local_datagram made = open();
    made.path_ = bind_local(made.socket(), at);
    return made;
}
std::pair<local_datagram, local_datagram> local_datagram::pair() {
    auto ends = open_pair(SOCK_DGRAM);
    std::pair<local_datagram, local_datagram> made;
    made.first.socket_ = std::move(ends.first);
    made.second.socket_ = std::move(ends.second);
    return made;
}
local_datagram& local_datagram::operator=(local_datagram&& other) noexcept {
    if (this != &other) {
        close();
        socket_ = std::move(other.socket_);
        path_ = std::move(other.path_);
    }
    return *this;
}
void local_datagram::connect(const local_endpoint& to) {
    socket().use([&](int fd) {
        if (const int failed = connect_local(fd, to); failed != 0)
            throw std::system_error(std::error_code(failed, std::system_category()),
                                    "local socket connect to " + to.to_string());
    });
}

namespace {

/// A reference to the socket: the object may be destroyed while the task waits.
struct socket_reference {
    detail::socket_state& socket;
    explicit socket_reference(detail::socket_state& s) noexcept : socket(s) { s.add_ref(); }
    socket_reference(const socket_reference&) = delete;
    socket_reference& operator=(const socket_reference&) = delete;
    ~socket_reference() { socket.drop_ref(); }
};

std::error_code send_now(detail::socket_state& s, std::span<const std::byte> b, const detail::raw_address& to) {
    std::error_code error;
    try {
        s.use([&](int fd) {
            while (::sendto(fd, b.data(), b.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                            reinterpret_cast<const sockaddr*>(&to.bytes), to.size) < 0)
                if (errno != EINTR) {
                    error = last_error();
                    break;
                }
        });
    } catch (const std::system_error& closed) {
        error = closed.code();
    }
    return error;
}

task<std::error_code> send_patiently(detail::socket_state& s, std::span<const std::byte> b,
                                     const detail::raw_address address) {
    const socket_reference kept(s);
    std::error_code error = send_now(kept.socket, b, address);
    pauses pause;
    while (error == std::errc::resource_unavailable_try_again) {
        co_await pause.next();  // the receiver's queue is full; the system notifies only connected senders of room
        error = send_now(kept.socket, b, address);
        if (error == std::errc::bad_file_descriptor) error = std::make_error_code(std::errc::operation_canceled);
    }
    co_return error;
}

}  // namespace

detail::coded_task<void, std::string> local_datagram::send_to(out_bytes b, const local_endpoint& to) {
    return {send_patiently(socket(), b, raw(to)), "local socket send to " + to.to_string()};
}
detail::send_whole_op local_datagram::send(out_bytes b, std::span<const int> descriptors) {
    return {send_kind, socket(), b, detail::raw_address(), descriptors};
}
detail::receive_op<local_message> local_datagram::receive(in_bytes b) { return {receive_kind, socket(), b}; }
void local_datagram::close() noexcept {
    path_.remove();
    detail::close_socket(socket_);
}
local_endpoint local_datagram::endpoint() const { return endpoint_of(socket(), &::getsockname); }
local_endpoint local_datagram::peer_endpoint() const { return endpoint_of(socket(), &::getpeername); }
void local_datagram::set_send_buffer(int bytes) { detail::set_send_buffer(socket(), local, bytes); }
int local_datagram::send_buffer() const { return detail::send_buffer(socket(), local); }
void local_datagram::set_receive_buffer(int bytes) { detail::set_receive_buffer(socket(), local, bytes); }
int local_datagram::receive_buffer() const { return detail::receive_buffer(socket(), local); }

}  // namespace v0
}  // namespace bide
