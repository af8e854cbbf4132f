// SPDX-License-Identifier: BSL-1.0
//
// Options of TCP connections, and accept_patiently(). Any thread calls it; each option is one system call.
#include <bide/io/tcp_options.hpp>
#include <bide/time.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <algorithm>
#include <utility>

namespace bide {
inline namespace v0 {

using namespace std::chrono_literals;
using detail::last_error;

namespace {

void set(detail::socket_state& s, int level, int name, const void* value, socklen_t size) {
    s.use([&](int fd) {
        if (::setsockopt(fd, level, name, value, size) != 0) throw std::system_error(last_error(), "tcp socket option");
    });
}
template <class S>
void set(S& s, int level, int name, int value) {
    set(detail::stream_access::of(s), level, name, &value, sizeof value);
}

}  // namespace

void set_keep_alive(tcp_stream& s, const keep_alive& how) {
    set(s, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(how.idle.count()));
    set(s, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(how.interval.count()));
    set(s, IPPROTO_TCP, TCP_KEEPCNT, how.probes);
    set(s, SOL_SOCKET, SO_KEEPALIVE, 1);
}
void set_no_keep_alive(tcp_stream& s) { set(s, SOL_SOCKET, SO_KEEPALIVE, 0); }
void set_send_buffer(tcp_stream& s, int bytes) { set(s, SOL_SOCKET, SO_SNDBUF, bytes); }
void set_receive_buffer(tcp_stream& s, int bytes) { set(s, SOL_SOCKET, SO_RCVBUF, bytes); }
void set_receive_buffer(tcp_listener& s, int bytes) { set(s, SOL_SOCKET, SO_RCVBUF, bytes); }
void set_reset_on_close(tcp_stream& s) {
    const linger now{1, 0};
    set(detail::stream_access::of(s), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

task<tcp_stream> accept_patiently(tcp_listener& at) {
    for (auto pause = 10ms;; pause = std::min(2 * pause, std::chrono::milliseconds(1s))) {
        result<tcp_stream> got = co_await as_result(at.accept());
        if (got.ok()) co_return std::move(got.value);
        const bool passes = got.error == std::errc::too_many_files_open ||
                            got.error == std::errc::too_many_files_open_in_system ||
                            got.error == std::errc::no_buffer_space || got.error == std::errc::not_enough_memory;
        if (!passes) throw std::system_error(got.error, "tcp accept");
        co_await sleep_for(pause);
    }
}

}  // namespace v0
}  // namespace bide
