// SPDX-License-Identifier: BSL-1.0
// The race to a host with several addresses: its logic in virtual time with connectors of the test's own, then real
// sockets with a name server of the test's own.
#include <bide/io/connect.hpp>
#include <bide/testing/virtual_time.hpp>

#include "io/dns/happy_eyeballs.hpp"
#include "support/dns_server.hpp"
#include "support/no_leaks.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <map>
#include <optional>
#include <random>

namespace {

using bide::ip_endpoint;
using bide::ip_family;
using bide::task;
using namespace std::chrono_literals;
using ms = std::chrono::milliseconds;

/// A connection that is counted while it is open.
class wire {
public:
    wire() noexcept = default;
    wire(std::string to, int& open) : to_(std::move(to)), open_(&open) { ++*open_; }
    wire(wire&& other) noexcept : to_(std::move(other.to_)), open_(std::exchange(other.open_, nullptr)) {}
    wire& operator=(wire&& other) noexcept {
        std::swap(to_, other.to_);
        std::swap(open_, other.open_);
        return *this;
    }
    ~wire() {
        if (open_ != nullptr) --*open_;
    }
    [[nodiscard]] const std::string& to() const noexcept { return to_; }

private:
    std::string to_;
    int* open_ = nullptr;
};

/// How a world behaves, and what was done to it.
struct world {
    struct behaviour {
        ms takes{0};
        std::error_code error{};
    };
    struct attempt {
        std::string to;
        ms began{0};
        friend bool operator==(const attempt&, const attempt&) = default;
    };
    behaviour six_known{};
    behaviour four_known{};
    std::vector<std::string> addresses;
    std::map<std::string, behaviour> hosts;
    ms stagger = 250ms;

    bide::testing::virtual_time time{};
    std::vector<attempt> attempts{};
    int open = 0;
    int under_way = 0;
    std::string told{};

    [[nodiscard]] ms now() const { return std::chrono::duration_cast<ms>(time.elapsed()); }

    static task<bide::io_result<std::vector<ip_endpoint>>> find(world& w, ip_family family) {
        const behaviour& b = family == ip_family::v6 ? w.six_known : w.four_known;
        co_await bide::sleep_for(b.takes);
        std::vector<ip_endpoint> all;
        for (const std::string& text : w.addresses) {
            const ip_endpoint e = ip_endpoint::parse(text, 1);
            if (e.is_v6() == (family == ip_family::v6)) all.push_back(e);
        }
        std::error_code error = b.error;
        if (!error && all.empty()) error = bide::dns_errc::no_data;
        if (error) all.clear();
        co_return bide::io_result(error, std::move(all));
    }
    static task<bide::io_result<wire>> reach(world& w, ip_endpoint to) {
        w.attempts.push_back({to.address(), w.now()});
        struct counted {
            int& n;
            explicit counted(int& c) : n(c) { ++n; }
            ~counted() { --n; }
        } const here{w.under_way};
        const behaviour& b = w.hosts.at(to.address());
        co_await bide::sleep_for(b.takes);
        if (b.error) co_return bide::io_result<wire>(b.error, wire());
        co_return bide::io_result<wire>(std::error_code(), wire(to.address(), w.open));
    }
    static task<bide::io_result<wire>> run(world& w) {
        bide::detail::address_race<wire> race([&w](ip_family f) { return find(w, f); },
                                              [&w](ip_endpoint to) { return reach(w, to); }, w.stagger, 50ms);
        bide::io_result<wire> got = co_await race.run();
        w.told = race.told();
        co_return got;
    }
    bide::io_result<wire> go() {
        bide::io_result<wire> got = run(*this).wait();
        EXPECT_EQ(under_way, 0) << "an attempt outlived the race";
        EXPECT_EQ(open, got.ok() ? 1 : 0) << "a loser was not closed";
        return got;
    }
};

const std::error_code refused = std::make_error_code(std::errc::connection_refused);
constexpr ms never = 1h;

TEST(address_race, C15_25_families_alternate_and_version_6_begins) {
    world w;
    w.addresses = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1", "2001:db8::2"};
    for (const std::string& a : w.addresses) w.hosts[a] = {never, {}};
    w.hosts["10.0.0.3"] = {10ms, {}};
    const auto got = w.go();
    EXPECT_EQ(got.value.to(), "10.0.0.3");
    EXPECT_EQ(w.attempts, (std::vector<world::attempt>{{"2001:db8::1", 0ms},
                                                       {"10.0.0.1", 250ms},
                                                       {"2001:db8::2", 500ms},
                                                       {"10.0.0.2", 750ms},
                                                       {"10.0.0.3", 1000ms}}));
    EXPECT_EQ(w.now(), 1010ms);
}

TEST(address_race, C15_25_the_first_that_connects_wins_though_it_began_later) {
    world w;
    w.addresses = {"10.0.0.1", "2001:db8::1"};
    w.hosts = {{"2001:db8::1", {400ms, {}}}, {"10.0.0.1", {100ms, {}}}};
    EXPECT_EQ(w.go().value.to(), "10.0.0.1");
    EXPECT_EQ(w.now(), 350ms);
}

TEST(address_race, a_slow_one_is_not_given_up_for_the_next) {
    world w;
    w.addresses = {"10.0.0.1", "2001:db8::1"};
    w.hosts = {{"2001:db8::1", {400ms, {}}}, {"10.0.0.1", {never, {}}}};
    EXPECT_EQ(w.go().value.to(), "2001:db8::1");
    EXPECT_EQ(w.now(), 400ms);
}

TEST(address_race, a_quick_one_leaves_the_others_alone) {
    world w;
    w.addresses = {"10.0.0.1", "2001:db8::1"};
    w.hosts = {{"2001:db8::1", {249ms, {}}}, {"10.0.0.1", {0ms, {}}}};
    EXPECT_EQ(w.go().value.to(), "2001:db8::1");
    EXPECT_EQ(w.attempts.size(), 1U);
}

TEST(address_race, C15_25_after_a_failure_the_next_begins_at_once) {
    world w;
    w.addresses = {"10.0.0.1", "2001:db8::1"};
    w.hosts = {{"2001:db8::1", {30ms, refused}}, {"10.0.0.1", {5ms, {}}}};
    EXPECT_EQ(w.go().value.to(), "10.0.0.1");
    EXPECT_EQ(w.attempts.back().began, 30ms);
    EXPECT_EQ(w.now(), 35ms);
}

TEST(address_race, C15_25_when_all_fail_the_first_failure_is_the_answer_and_each_is_told) {
    world w;
    w.addresses = {"10.0.0.1", "2001:db8::1"};
    w.hosts = {{"2001:db8::1", {30ms, refused}},
               {"10.0.0.1", {5ms, std::make_error_code(std::errc::network_unreachable)}}};
    const auto got = w.go();
    EXPECT_EQ(got.error, std::errc::connection_refused);
    EXPECT_NE(w.told.find("[2001:db8::1]:1: Connection refused"), std::string::npos) << w.told;
    EXPECT_NE(w.told.find("10.0.0.1:1: Network is unreachable"), std::string::npos) << w.told;
}

TEST(address_race, version_6_has_a_little_longer_to_be_looked_up) {
    world w;
    w.addresses = {"10.0.0.1", "2001:db8::1"};
    w.hosts = {{"2001:db8::1", {0ms, {}}}, {"10.0.0.1", {0ms, {}}}};
    w.six_known.takes = 49ms;
    EXPECT_EQ(w.go().value.to(), "2001:db8::1");
    EXPECT_EQ(w.now(), 49ms);
}

TEST(address_race, but_not_for_ever) {
    world w;
    w.addresses = {"10.0.0.1", "2001:db8::1"};
    w.hosts = {{"2001:db8::1", {0ms, {}}}, {"10.0.0.1", {0ms, {}}}};
    w.six_known.takes = never;
    EXPECT_EQ(w.go().value.to(), "10.0.0.1");
    EXPECT_EQ(w.now(), 50ms);
}

TEST(address_race, version_6_without_addresses_costs_no_delay) {
    world w;
    w.addresses = {"10.0.0.1"};
    w.hosts = {{"10.0.0.1", {0ms, {}}}};
    w.four_known.takes = 5ms;
    w.six_known.takes = 3ms;
    EXPECT_EQ(w.go().value.to(), "10.0.0.1");
    EXPECT_EQ(w.now(), 5ms);
    world late;
    late.addresses = w.addresses;
    late.hosts = w.hosts;
    late.six_known.takes = 20ms;
    EXPECT_TRUE(late.go().ok());
    EXPECT_EQ(late.now(), 20ms);
}

TEST(address_race, addresses_that_come_late_are_tried_too) {
    world w;
    w.addresses = {"10.0.0.1", "2001:db8::1"};
    w.hosts = {{"2001:db8::1", {10ms, {}}}, {"10.0.0.1", {never, {}}}};
    w.six_known.takes = 5s;
    EXPECT_EQ(w.go().value.to(), "2001:db8::1");
    EXPECT_EQ(w.now(), 5010ms);
}

TEST(address_race, a_name_that_is_not_there_is_the_look_ups_error) {
    world w;
    w.six_known.error = w.four_known.error = bide::dns_errc::name_not_found;
    EXPECT_EQ(w.go().error, bide::dns_errc::name_not_found);
    world none;
    EXPECT_EQ(none.go().error, bide::dns_errc::no_data);
    world half;  // version 6 has no addresses, and version 4 could not be looked up: that is the news
    half.four_known = {10ms, bide::dns_errc::timed_out};
    EXPECT_EQ(half.go().error, bide::dns_errc::timed_out);
}

TEST(address_race, C15_25_two_that_connect_at_the_same_moment_leave_one) {
    world w;
    w.addresses = {"10.0.0.1", "2001:db8::1"};
    w.hosts = {{"2001:db8::1", {300ms, {}}}, {"10.0.0.1", {50ms, {}}}};
    const auto got = w.go();  // counts what is open
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(w.now(), 300ms);
}

TEST(address_race, more_addresses_than_the_queue_holds) {
    world w;
    w.stagger = 0ms;
    for (int i = 1; i <= 60; ++i) {
        w.addresses.push_back("10.0.0." + std::to_string(i));
        w.hosts[w.addresses.back()] = {10ms, refused};
    }
    w.hosts["10.0.0.60"] = {20ms, {}};
    EXPECT_EQ(w.go().value.to(), "10.0.0.60");
}

TEST(address_race, C15_25_stopped_at_any_moment_nothing_is_left) {
    for (ms at = 0ms; at < 675ms; at += 25ms) {
        world w;
        w.addresses = {"10.0.0.1", "2001:db8::1", "2001:db8::2"};
        w.hosts = {{"2001:db8::1", {never, {}}}, {"10.0.0.1", {200ms, refused}}, {"2001:db8::2", {200ms, {}}}};
        w.six_known.takes = w.four_known.takes = 30ms;
        EXPECT_THROW(static_cast<void>(bide::with_timeout(at, world::run(w)).wait()), bide::timed_out) << at.count();
        EXPECT_EQ(w.under_way, 0);
        EXPECT_EQ(w.open, 0);
    }
}

// ---- real sockets -------------------------------------------------------------------------------------------------

class connect_by_name : public support::no_leaks {
protected:
    static bide::connect_options by(const support::dns_server& server) {
        bide::dns_options names;
        names.servers = {server.at()};
        names.search_domains = false;
        names.timeout = 20s;
        bide::connect_options o;
        o.names = bide::resolver(names);
        return o;
    }
    static support::dns_reply answers(const support::dns_question& q, const std::vector<const char*>& v4) {
        support::dns_reply r;
        if (q.type == support::dns::a)
            for (const char* a : v4) r.records.push_back(support::dns::v4(a));
        return r;
    }
};

TEST_F(connect_by_name, C15_25_a_host_is_reached) {
    const support::dns_server server([](const support::dns_question& q) { return answers(q, {"127.0.0.1"}); });
    bide::tcp_listener at = bide::tcp_listener::listen(ip_endpoint::loopback(0));
    const auto s = bide::connect_tcp("host.example", at.local_endpoint().port(), by(server)).wait();
    EXPECT_EQ(at.accept().wait().remote_endpoint(), s.local_endpoint());
    const auto by_number = bide::connect_tcp("127.0.0.1", at.local_endpoint().port()).wait();
    const auto by_hosts_file = bide::connect_tcp("localhost", at.local_endpoint().port(), by(server)).wait();
    EXPECT_TRUE(by_hosts_file.is_open());
}

TEST_F(connect_by_name, C15_25_an_address_that_does_not_answer_is_passed_by) {
    const support::dns_server server(
        [](const support::dns_question& q) { return answers(q, {"127.0.0.2", "127.0.0.3"}); });
    // The listener's queue of one is full: a further connection gets no answer.
    const auto hole = bide::tcp_listener::listen(ip_endpoint::parse("127.0.0.2", 0), 0);
    const std::uint16_t port = hole.local_endpoint().port();
    std::vector<bide::tcp_stream> filling;
    for (bool full = false; !full;) {
        try {
            filling.push_back(bide::with_timeout(100ms, bide::tcp_stream::connect(hole.local_endpoint())).wait());
        } catch (const bide::timed_out&) {
            full = true;
        }
    }
    bide::tcp_listener at = bide::tcp_listener::listen(ip_endpoint::parse("127.0.0.3", port));
    const auto began = std::chrono::steady_clock::now();
    const auto s = bide::connect_tcp("host.example", port, by(server)).wait();
    EXPECT_EQ(s.remote_endpoint(), at.local_endpoint());
    EXPECT_GE(std::chrono::steady_clock::now() - began, 250ms) << "the first address was not tried first";
}

TEST_F(connect_by_name, C15_25_what_was_tried_stands_in_the_message) {
    const support::dns_server server(
        [](const support::dns_question& q) { return answers(q, {"127.0.0.2", "127.0.0.3"}); });
    std::uint16_t nobody = 0;
    {
        const auto gone = bide::tcp_listener::listen(ip_endpoint::parse("127.0.0.2", 0));
        nobody = gone.local_endpoint().port();
    }
    try {
        static_cast<void>(bide::connect_tcp("host.example", nobody, by(server)).wait());
        FAIL();
    } catch (const std::system_error& e) {
        const std::string port = std::to_string(nobody);
        EXPECT_EQ(e.code(), std::errc::connection_refused);
        EXPECT_EQ(std::string(e.what()), "connect to host.example:" + port + " (127.0.0.2:" + port +
                                             ": Connection refused, 127.0.0.3:" + port +
                                             ": Connection refused): Connection refused");
    }
    EXPECT_EQ(bide::try_connect_tcp("host.example", nobody, by(server)).wait().error, std::errc::connection_refused);
    EXPECT_THROW(static_cast<void>(bide::connect_tcp("", 80).wait()), std::system_error);
}

TEST_F(connect_by_name, options_that_make_no_sense_are_refused) {
    bide::connect_options o;
    o.stagger = -1ms;
    EXPECT_THROW(static_cast<void>(bide::connect_tcp("127.0.0.1", 1, o).wait()), std::invalid_argument);
}

}  // namespace
