// SPDX-License-Identifier: BSL-1.0
//
// c-ares' sockets on a loop, the options of a channel, and the task that lets c-ares take its steps.
//
// dns_socket::on_ready runs on the loop's thread, under the watcher's rules. Everything else runs where the task of the
// look-up runs; c-ares calls the functions of the second part inside calls of that task.
#include "io/dns/channel.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/time.hpp>

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// A socket of c-ares that a loop watches. The channel has one reference, the loop's watcher the other.
class dns_socket final : public watched_fd {
public:
    dns_socket(int fd_, bool writes, std::shared_ptr<dns_signal> to, const counted_ptr<fd_watcher>& w) noexcept
        : watched_fd(fd_, &on_ready, &on_released, w), to_(std::move(to)), wanted_(events(writes)) {}

    void drop_ref() noexcept {
        // acq_rel: the side that deletes sees what the other side did.
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    /// Ends the watch and gives up the channel's reference.
    void leave() noexcept {
        watcher->remove(*this);
        drop_ref();
    }
    void want(bool writes) noexcept {
        {
            const lock_guard guard(to_->lock);
            if (wanted_ == events(writes)) return;
            wanted_ = events(writes);
        }
        watcher->report_again(*this);  // on_ready has dropped what was not wanted
    }
    [[nodiscard]] std::uint32_t take_reported() noexcept {
        const lock_guard guard(to_->lock);
        return std::exchange(reported_, 0);
    }

private:
    static constexpr std::uint32_t over = EPOLLHUP | EPOLLERR;
    static std::uint32_t events(bool writes) noexcept { return EPOLLIN | EPOLLRDHUP | over | (writes ? EPOLLOUT : 0U); }
    static void on_ready(watched_fd* w, std::uint32_t events) noexcept {
        auto* self = static_cast<dns_socket*>(w);
        {
            const lock_guard guard(self->to_->lock);
            events &= self->wanted_;
            self->reported_ |= events;
        }
        if (events != 0) self->to_->changed.set();
    }
    static void on_released(watched_fd* w) noexcept { static_cast<dns_socket*>(w)->drop_ref(); }

    const std::shared_ptr<dns_signal> to_;
    std::uint32_t wanted_ BIDE_GUARDED_BY(to_->lock);
    std::uint32_t reported_ BIDE_GUARDED_BY(to_->lock) = 0;  // since the task last looked
    std::atomic<int> refs_{2};
};

namespace {

// ---- what c-ares does with sockets --------------------------------------------------------------------------------

ares_socket_t make_socket(int domain, int type, int protocol, void*) {
    const int fd = ::socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd >= 0 && type == SOCK_STREAM) {
        const int on = 1;  // an error is ignored: a question works without the option
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return fd;
}
int close_socket(ares_socket_t fd, void*) { return ::close(fd); }
int connect_socket(ares_socket_t fd, const sockaddr* to, ares_socklen_t size, void*) { return ::connect(fd, to, size); }
ares_ssize_t receive(ares_socket_t fd, void* to, std::size_t size, int flags, sockaddr* from, ares_socklen_t* length,
                     void* channel) {
    const ssize_t n = ::recvfrom(fd, to, size, flags, from, length);
    if (n >= NS_HFIXEDSZ && from != nullptr)  // a datagram: c-ares reads a stream without asking for the sender
        static_cast<dns_channel*>(channel)->on_answer({static_cast<const std::byte*>(to), static_cast<std::size_t>(n)});
    return n;
}
ares_ssize_t send_all(ares_socket_t fd, const iovec* parts, int count, void*) {
    std::array<iovec, 16> some{};  // sendmsg needs a writable array; the next call sends what is left
    msghdr message{};
    message.msg_iov = some.data();
    message.msg_iovlen = std::min(some.size(), static_cast<std::size_t>(count));
    std::copy_n(parts, message.msg_iovlen, some.begin());
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}
constexpr ares_socket_functions our_sockets{&make_socket, &close_socket, &connect_socket, &receive, &send_all};

void begin_library() {
    // Once per process, and never undone: c-ares keeps only the addresses of its allocator.
    static const int status = ::ares_library_init(ARES_LIB_INIT_ALL);
    if (status != ARES_SUCCESS) throw std::system_error(dns_error(status), "dns");
}

void use_servers(ares_channel channel, const std::vector<ip_endpoint>& servers) {
    std::vector<ares_addr_port_node> nodes(servers.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        sockaddr_storage address{};
        static_cast<void>(servers[i].to_native(address));
        ares_addr_port_node& n = nodes[i];
        n.next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
        if (servers[i].is_v6()) {
            sockaddr_in6 in{};
            std::memcpy(&in, &address, sizeof in);
            n.family = AF_INET6;
            std::memcpy(&n.addr.addr6, &in.sin6_addr, sizeof in.sin6_addr);
        } else {
            sockaddr_in in{};
            std::memcpy(&in, &address, sizeof in);
            n.family = AF_INET;
            n.addr.addr4 = in.sin_addr;
        }
        n.udp_port = n.tcp_port = servers[i].port() != 0 ? servers[i].port() : 53;
    }
    if (const int status = ::ares_set_servers_ports(channel, nodes.data()); status != ARES_SUCCESS)
        throw std::system_error(dns_error(status), "dns servers");
}

}  // namespace

// ---- the channel --------------------------------------------------------------------------------------------------

dns_channel::dns_channel(const dns_options& options, loop& carrier)
    : carrier_(carrier), signal_(std::make_shared<dns_signal>()) {
    begin_library();
    ares_options with{};
    int which = ARES_OPT_SOCK_STATE_CB;
    with.sock_state_cb = &state_changed;
    with.sock_state_cb_data = this;
    char from_servers[] = "b";
    char from_both[] = "fb";
    if (!options.search_domains) {
        which |= ARES_OPT_FLAGS;
        with.flags = ARES_FLAG_NOSEARCH;
    }
    if (options.timeout.count() > 0) {
        which |= ARES_OPT_TIMEOUTMS;
        with.timeout = static_cast<int>(std::min<std::chrono::milliseconds::rep>(options.timeout.count(), 3'600'000));
    }
    if (options.attempts > 0) {
        which |= ARES_OPT_TRIES;
        with.tries = options.attempts;
    }
    if (!options.hosts_file || !options.servers.empty()) {  // given servers overrule nsswitch.conf
        which |= ARES_OPT_LOOKUPS;
        with.lookups = options.hosts_file ? from_both : from_servers;
    }
    if (const int status = ::ares_init_options(&channel_, &with, which); status != ARES_SUCCESS)
        throw std::system_error(dns_error(status), "dns");
    ::ares_set_socket_functions(channel_, &our_sockets, this);
    try {
        if (!options.servers.empty()) use_servers(channel_, options.servers);
    } catch (...) {
        ::ares_destroy(channel_);
        throw;
    }
}

dns_channel::~dns_channel() {
    ::ares_destroy(channel_);  // calls state_changed for its sockets, and closes them
    for (dns_socket* s : sockets_) s->leave();
}

void dns_channel::state_changed(void* self, ares_socket_t fd, int reads, int writes) {
    auto* channel = static_cast<dns_channel*>(self);
    if (reads == 0 && writes == 0)
        channel->forget(fd);
    else
        channel->watch(fd, writes != 0);
}

void dns_channel::watch(ares_socket_t fd, bool writes) {
    for (dns_socket* s : sockets_)
        if (s->fd == fd) return s->want(writes);
    try {  // no exception may pass through c-ares, which is C
        const counted_ptr<fd_watcher>& watcher = loop_access::driver_of(carrier_).watcher();
        sockets_.reserve(sockets_.size() + 1);
        auto made = std::make_unique<dns_socket>(fd, writes, signal_, watcher);
        watcher->add(*made);
        sockets_.push_back(made.release());
    } catch (...) {
        failed_ = std::current_exception();
    }
}

void dns_channel::forget(ares_socket_t fd) noexcept {
    const auto it = std::find_if(sockets_.begin(), sockets_.end(), [fd](const dns_socket* s) { return s->fd == fd; });
    if (it == sockets_.end()) return;
    dns_socket* const gone = *it;
    sockets_.erase(it);
    gone->leave();
}

void dns_channel::on_answer(std::span<const std::byte> datagram) noexcept {
    const int code = static_cast<int>(datagram[3] & std::byte{0x0f});
    if (code == ns_r_servfail || code == ns_r_notimpl || code == ns_r_refused) refusal_ = code;
}

std::error_code dns_channel::error_of(int status) const noexcept {
    if (status != ARES_ECONNREFUSED || refusal_ == ns_r_noerror) return dns_error(status);
    return refusal_ == ns_r_servfail  ? dns_errc::server_failed
           : refusal_ == ns_r_notimpl ? dns_errc::not_implemented
                                      : dns_errc::server_refused;
}

std::chrono::nanoseconds dns_channel::until_next_timeout() noexcept {
    timeval left{};
    if (::ares_timeout(channel_, nullptr, &left) == nullptr) return std::chrono::nanoseconds::max();
    return std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
}

void dns_channel::step() {
    struct reported {
        int fd;
        std::uint32_t events;
    };
    std::vector<reported> all;  // descriptors, not pointers: a step may close sockets and make others
    all.reserve(sockets_.size());
    for (dns_socket* s : sockets_)
        if (const std::uint32_t events = s->take_reported(); events != 0) all.push_back({s->fd, events});
    if (all.empty()) ::ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // lets c-ares handle time-outs
    constexpr std::uint32_t over = EPOLLHUP | EPOLLERR;
    for (const reported& r : all) {
        const bool reads = (r.events & (EPOLLIN | EPOLLRDHUP | over)) != 0;
        const bool writes = (r.events & (EPOLLOUT | over)) != 0;
        ::ares_process_fd(channel_, reads ? r.fd : ARES_SOCKET_BAD, writes ? r.fd : ARES_SOCKET_BAD);
        for (dns_socket* s : sockets_)
            if (s->fd == r.fd) s->watcher->report_again(*s);
    }
}

void dns_channel::check_failure() {
    if (failed_) std::rethrow_exception(std::exchange(failed_, nullptr));
}

task<> dns_channel::run_until(const bool& over) {
    check_failure();
    while (!over) {
        const std::chrono::nanoseconds limit = until_next_timeout();
        try {
            co_await with_timeout(limit, as_task_of(signal_->changed));
        } catch (const timed_out&) {  // the step below lets c-ares handle it
        }
        signal_->changed.reset();  // before the step looks: a later report sets it again
        step();
        check_failure();
    }
}

std::error_code dns_error(int status) noexcept {
    switch (status) {
        case ARES_SUCCESS:
            return {};
        case ARES_ENODATA:
            return dns_errc::no_data;
        case ARES_ENOTFOUND:
        case ARES_ENONAME:
            return dns_errc::name_not_found;
        case ARES_ESERVFAIL:
        case ARES_EFORMERR:
            return dns_errc::server_failed;
        case ARES_ENOTIMP:
            return dns_errc::not_implemented;
        case ARES_EREFUSED:
            return dns_errc::server_refused;
        case ARES_ETIMEOUT:
            return dns_errc::timed_out;
        case ARES_ECONNREFUSED:
            return dns_errc::no_server;
        case ARES_EBADNAME:
        case ARES_EBADQUERY:
        case ARES_EBADSTR:
            return dns_errc::bad_name;
        case ARES_ENOMEM:
            return std::make_error_code(std::errc::not_enough_memory);
        case ARES_EFILE:
            return std::make_error_code(std::errc::io_error);
        case ARES_ECANCELLED:
        case ARES_EDESTRUCTION:
            return std::make_error_code(std::errc::operation_canceled);
        default:
            return dns_errc::bad_answer;
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
