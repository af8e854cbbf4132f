// SPDX-License-Identifier: BSL-1.0
//
// Look-ups: addresses of a host and places of a service, each by a c-ares channel of its own; and the texts of
// dns_errc.
//
// The tasks run where their caller's task runs. c-ares calls `arrived` inside a step of that task.
#include "io/dns/channel.hpp"
#include "io/dns/srv_order.hpp"

#include <bide/detail/scope/scope_core.hpp>
#include <bide/executor.hpp>

#include <arpa/nameser.h>
#include <sys/socket.h>
#include <algorithm>
#include <cstring>
#include <random>
#include <stdexcept>
#include <utility>

namespace bide {
inline namespace v0 {

namespace {

class dns_category_type final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "bide.dns"; }
    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<dns_errc>(code)) {
            case dns_errc::name_not_found:
                return "there is no such name";
            case dns_errc::no_data:
                return "the name has no record of this kind";
            case dns_errc::timed_out:
                return "no name server answered in time";
            case dns_errc::server_failed:
                return "the name server failed";
            case dns_errc::server_refused:
                return "the name server refused to answer";
            case dns_errc::no_server:
                return "no name server could be reached";
            case dns_errc::bad_answer:
                return "the name server's answer makes no sense";
            case dns_errc::bad_name:
                return "this cannot be a name";
            case dns_errc::not_implemented:
                return "the name server does not know this kind of question";
            case dns_errc::no_service:
                return "the domain does not have this service";
        }
        return "unknown error";
    }
    [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override {
        if (static_cast<dns_errc>(code) == dns_errc::timed_out) return std::errc::timed_out;
        return std::error_category::default_error_condition(code);
    }
};

// Checks the length without a dot at the end, and for zero bytes; c-ares refuses what else is wrong.
bool may_be_name(const std::string& name) noexcept {
    const std::size_t size = !name.empty() && name.back() == '.' ? name.size() - 1 : name.size();
    return size != 0 && size <= 253 && name.find('\0') == std::string::npos;
}

// ---- addresses ----------------------------------------------------------------------------------------------------

struct addresses {
    std::uint16_t port;
    int status = ARES_SUCCESS;
    bool finished = false;
    resolver::endpoints found{};
    std::exception_ptr failed{};

    void take(const ares_addrinfo* all) {
        for (const ares_addrinfo_node* n = all->nodes; n != nullptr; n = n->ai_next) {
            sockaddr_storage address{};
            std::memcpy(&address, n->ai_addr, std::min<std::size_t>(n->ai_addrlen, sizeof address));
            ip_endpoint e = ip_endpoint::from_native(address);
            e.set_port(port);
            if (std::find(found.begin(), found.end(), e) == found.end()) found.push_back(e);
        }
    }
    static void arrived(void* to, int status, int, ares_addrinfo* all) {
        auto* self = static_cast<addresses*>(to);
        self->finished = true;
        self->status = status;
        if (all == nullptr) return;
        try {  // no exception may pass through c-ares, which is C
            if (status == ARES_SUCCESS) self->take(all);
        } catch (...) {
            self->failed = std::current_exception();
        }
        ::ares_freeaddrinfo(all);
    }
};

// Returns true for a numeric address, which needs no look-up. (c-ares does not know addresses with an interface.)
bool in_numbers(const std::string& host, std::uint16_t port, ip_family family, resolver::endpoints& to) {
    try {
        if (host == "localhost") return false;  // the hosts file says what that is
        const ip_endpoint e = ip_endpoint::parse(host, port);
        if (family == ip_family::any || e.is_v6() == (family == ip_family::v6)) to.push_back(e);
        return true;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

task<result<resolver::endpoints>> find_addresses(std::shared_ptr<const dns_options> options, std::string host,
                                                 std::uint16_t port, ip_family family) {
    addresses all{port};
    if (!may_be_name(host))
        co_return result<resolver::endpoints>(make_error_code(dns_errc::bad_name), std::move(all.found));
    if (in_numbers(host, port, family, all.found)) {
        const std::error_code error = all.found.empty() ? make_error_code(dns_errc::no_data) : std::error_code();
        co_return result<resolver::endpoints>(error, std::move(all.found));
    }
    const detail::promise_base* const here = co_await detail::this_frame_op();
    detail::dns_channel channel(*options, here->ctx->ex->carrier());
    ares_addrinfo_hints hints{};
    hints.ai_family = family == ip_family::any ? AF_UNSPEC : family == ip_family::v4 ? AF_INET : AF_INET6;
    hints.ai_socktype = SOCK_STREAM;
    ::ares_getaddrinfo(channel.get(), host.c_str(), nullptr, &hints, &addresses::arrived, &all);
    co_await channel.run_until(all.finished);
    if (all.failed) std::rethrow_exception(all.failed);
    std::error_code error = channel.error_of(all.status);
    if (!error && all.found.empty()) error = dns_errc::no_data;
    co_return result<resolver::endpoints>(error, std::move(all.found));
}

// ---- services -----------------------------------------------------------------------------------------------------

struct service_answer {
    int status = ARES_SUCCESS;
    bool finished = false;
    bool none = false;  // the target is ".": the domain declares that it does not have the service
    resolver::services found{};
    std::exception_ptr failed{};

    void take(const ares_srv_reply* all) {
        for (const ares_srv_reply* r = all; r != nullptr; r = r->next) {
            srv_record one;
            one.target = r->host;
            one.port = r->port;
            one.priority = r->priority;
            one.weight = r->weight;
            if (one.target.empty() || one.target == ".")
                none = true;
            else
                found.push_back(std::move(one));
        }
    }
    static void arrived(void* to, int status, int, unsigned char* answer, int size) {
        auto* self = static_cast<service_answer*>(to);
        self->finished = true;
        self->status = status;
        if (status != ARES_SUCCESS) return;
        ares_srv_reply* all = nullptr;
        self->status = ::ares_parse_srv_reply(answer, size, &all);
        try {
            self->take(all);
        } catch (...) {
            self->failed = std::current_exception();
        }
        if (all != nullptr) ::ares_free_data(all);
    }
};

task<result<resolver::services>> find_services(std::shared_ptr<const dns_options> options, std::string name) {
    service_answer all;
    if (!may_be_name(name))
        co_return result<resolver::services>(make_error_code(dns_errc::bad_name), std::move(all.found));
    const detail::promise_base* const here = co_await detail::this_frame_op();
    detail::dns_channel channel(*options, here->ctx->ex->carrier());
    ::ares_query(channel.get(), name.c_str(), ns_c_in, ns_t_srv, &service_answer::arrived, &all);
    co_await channel.run_until(all.finished);
    if (all.failed) std::rethrow_exception(all.failed);
    std::error_code error = channel.error_of(all.status);
    if (!error && all.found.empty()) error = all.none ? dns_errc::no_service : dns_errc::no_data;
    std::random_device seed;
    std::mt19937_64 random(seed());
    detail::order_services(
        all.found, [&random](std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n)(random); });
    co_return result<resolver::services>(error, std::move(all.found));
}

// Setting a channel up, and watching its sockets, throws the system's error: that is the look-up's error, too.
template <class T>
task<result<T>> with_every_error(task<result<T>> look_up) {
    std::error_code error;
    try {
        co_return co_await std::move(look_up);
    } catch (const std::system_error& e) {
        error = e.code();
    }
    co_return result<T>(error, T());
}

}  // namespace

const std::error_category& dns_category() noexcept {
    static const dns_category_type category;
    return category;
}

resolver::resolver() : options_(std::make_shared<const dns_options>()) {}

resolver::resolver(dns_options options) {
    if (options.timeout.count() < 0) throw std::invalid_argument("dns_options: the timeout is negative");
    if (options.attempts < 0) throw std::invalid_argument("dns_options: the number of attempts is negative");
    options_ = std::make_shared<const dns_options>(std::move(options));
}

detail::coded_task<resolver::endpoints, std::string> resolver::lookup(std::string host, std::uint16_t port,
                                                                      ip_family family) const {
    std::string what = "dns lookup of " + host;
    return {with_every_error(find_addresses(options_, std::move(host), port, family)), std::move(what)};
}

detail::coded_task<resolver::services, std::string> resolver::lookup_srv(std::string name) const {
    std::string what = "dns lookup of " + name;
    return {with_every_error(find_services(options_, std::move(name))), std::move(what)};
}

detail::coded_task<std::vector<ip_endpoint>, std::string> lookup(std::string host, std::uint16_t port,
                                                                 ip_family family) {
    return resolver().lookup(std::move(host), port, family);
}

}  // namespace v0
}  // namespace bide
