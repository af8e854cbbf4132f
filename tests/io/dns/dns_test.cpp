// SPDX-License-Identifier: BSL-1.0
// Against a name server of the test's own, on loopback.
#include <bide/combine.hpp>
#include <bide/executor.hpp>
#include <bide/io/dns.hpp>
#include <bide/scope.hpp>
#include <bide/testing/virtual_time.hpp>
#include <bide/time.hpp>

#include "io/dns/srv_order.hpp"
#include "support/dns_server.hpp"
#include "support/no_leaks.hpp"
#include "support/own_executor.hpp"
#include "support/threads.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

namespace {

using bide::dns_errc;
using bide::ip_endpoint;
using bide::ip_family;
using bide::resolver;
using bide::task;
using support::dns_question;
using support::dns_reply;
using support::dns_server;
using namespace std::chrono_literals;
namespace dns_is = support::dns;

resolver asking(const dns_server& server) {
    bide::dns_options o;
    o.servers = {server.at()};
    o.search_domains = false;
    o.timeout = 20s;  // nothing is to depend on it, but where a test says so
    o.attempts = 2;
    return resolver(o);
}
resolver impatient(const dns_server& server) {
    bide::dns_options o;
    o.servers = {server.at()};
    o.search_domains = false;
    o.timeout = 50ms;
    o.attempts = 2;
    return resolver(o);
}
std::vector<std::string> texts(const std::vector<ip_endpoint>& all) {
    std::vector<std::string> made;
    for (const ip_endpoint& e : all) made.push_back(e.to_string());
    std::sort(made.begin(), made.end());
    return made;
}
dns_reply both_families(const dns_question& q) {
    dns_reply r;
    if (q.type == dns_is::a) r.records = {dns_is::v4("192.0.2.1"), dns_is::v4("192.0.2.2")};
    if (q.type == dns_is::aaaa) r.records = {dns_is::v6("2001:db8::1")};
    return r;
}
dns_reply with_code(int code) {
    dns_reply r;
    r.code = code;
    return r;
}

class dns : public support::no_leaks {};

TEST_F(dns, C15_24_addresses_of_both_families_with_the_port) {
    const dns_server server(&both_families);
    const resolver ask = asking(server);
    EXPECT_EQ(texts(ask.lookup("host.example", 443).wait()),
              (std::vector<std::string>{"192.0.2.1:443", "192.0.2.2:443", "[2001:db8::1]:443"}));
}

TEST_F(dns, C15_24_one_family_is_not_asked_for_the_other) {
    const dns_server server(&both_families);
    const resolver ask = asking(server);
    EXPECT_EQ(texts(ask.lookup("host.example", 1, ip_family::v4).wait()),
              (std::vector<std::string>{"192.0.2.1:1", "192.0.2.2:1"}));
    EXPECT_EQ(texts(ask.lookup("host.example", 1, ip_family::v6).wait()),
              (std::vector<std::string>{"[2001:db8::1]:1"}));
    const auto asked = server.asked();
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[0].type, dns_is::a);
    EXPECT_EQ(asked[1].type, dns_is::aaaa);
}

TEST_F(dns, C15_24_what_fails_says_why) {
    const std::map<std::string, int> codes{{"nobody", 3}, {"broken", 2}, {"unknown", 4}, {"secret", 5}, {"empty", 0}};
    const dns_server server(
        [&](const dns_question& q) { return with_code(codes.at(q.name.substr(0, q.name.find('.')))); });
    const resolver ask = asking(server);
    EXPECT_EQ(bide::as_result(ask.lookup("nobody.example")).wait().error, dns_errc::name_not_found);
    EXPECT_EQ(bide::as_result(ask.lookup("broken.example")).wait().error, dns_errc::server_failed);
    EXPECT_EQ(bide::as_result(ask.lookup("unknown.example")).wait().error, dns_errc::not_implemented);
    EXPECT_EQ(bide::as_result(ask.lookup("secret.example")).wait().error, dns_errc::server_refused);
    EXPECT_EQ(bide::as_result(ask.lookup("empty.example")).wait().error, dns_errc::no_data);
    EXPECT_EQ(bide::as_result(ask.lookup_srv("nobody.example")).wait().error, dns_errc::name_not_found);
    EXPECT_EQ(bide::as_result(ask.lookup_srv("broken.example")).wait().error, dns_errc::server_failed);
    try {
        static_cast<void>(ask.lookup("nobody.example", 80).wait());
        FAIL();
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), dns_errc::name_not_found);
        EXPECT_STREQ(e.code().category().name(), "bide.dns");
        EXPECT_STREQ(e.what(), "dns lookup of nobody.example: there is no such name");
    }
}

TEST_F(dns, C15_24_a_failure_of_one_family_does_not_hide_the_other) {
    const dns_server server(
        [](const dns_question& q) { return q.type == dns_is::a ? both_families(q) : with_code(2); });
    EXPECT_EQ(texts(asking(server).lookup("host.example", 1).wait()),
              (std::vector<std::string>{"192.0.2.1:1", "192.0.2.2:1"}));
}

TEST_F(dns, no_answer_is_timed_out_after_every_attempt) {
    const dns_server server([](const dns_question&) {
        dns_reply r;
        r.silent = true;
        return r;
    });
    const auto got = bide::as_result(impatient(server).lookup("host.example", 1, ip_family::v4)).wait();
    EXPECT_EQ(got.error, dns_errc::timed_out);
    EXPECT_EQ(got.error, std::errc::timed_out);
    EXPECT_EQ(server.asked().size(), 2U);
}

TEST_F(dns, a_lost_answer_is_asked_for_again) {
    const dns_server server([](const dns_question& q) {
        dns_reply r = both_families(q);
        r.silent = q.number == 1;
        return r;
    });
    EXPECT_EQ(impatient(server).lookup("host.example", 1, ip_family::v4).wait().size(), 2U);
}

TEST_F(dns, a_deadline_of_the_callers_ends_it) {
    const dns_server server([](const dns_question&) {
        dns_reply r;
        r.silent = true;
        return r;
    });
    const resolver ask = asking(server);
    EXPECT_THROW(bide::with_timeout(30ms, ask.lookup("host.example")).wait(), bide::timed_out);
}

TEST_F(dns, nobody_at_the_servers_address_is_no_server) {
    bide::dns_options o;
    {
        const dns_server gone(&both_families);
        o.servers = {gone.at()};
    }
    o.attempts = 1;
    o.timeout = 20s;
    const auto got = bide::as_result(resolver(o).lookup("host.example.", 1, ip_family::v4)).wait();
    EXPECT_EQ(got.error, dns_errc::no_server) << got.error.message();
}

TEST_F(dns, the_next_server_is_asked_when_the_first_fails) {
    const dns_server broken([](const dns_question&) { return with_code(2); });
    const dns_server good(&both_families);
    bide::dns_options o;
    o.servers = {broken.at(), good.at()};
    o.timeout = 20s;
    EXPECT_EQ(resolver(o).lookup("host.example.", 1).wait().size(), 3U);
    EXPECT_FALSE(broken.asked().empty());
}

TEST_F(dns, C15_24_what_is_no_answer_is_not_taken_for_one) {
    const dns_server server([](const dns_question& q) {
        dns_reply r = both_families(q);
        r.wrong_id = q.name == "others.example";
        r.garbage = q.name == "garbage.example";
        return r;
    });
    EXPECT_EQ(texts(impatient(server).lookup("others.example", 1, ip_family::v4).wait()),
              (std::vector<std::string>{"192.0.2.1:1", "192.0.2.2:1"}));
    const auto got = bide::as_result(impatient(server).lookup("garbage.example", 1, ip_family::v4)).wait();
    EXPECT_TRUE(got.error == dns_errc::bad_answer || got.error == dns_errc::timed_out) << got.error.message();
    EXPECT_TRUE(got.value.empty());
}

// ---- TCP ----------------------------------------------------------------------------------------------------------

dns_reply many_by_tcp(const dns_question& q) {
    dns_reply r;
    r.truncated = !q.tcp;
    if (q.tcp)
        for (int i = 0; i < 100; ++i) r.records.push_back(dns_is::v4(("198.51.100." + std::to_string(i)).c_str()));
    return r;
}

TEST_F(dns, a_truncated_answer_is_had_by_tcp) {
    const dns_server server(&many_by_tcp);
    EXPECT_EQ(asking(server).lookup("many.example", 1, ip_family::v4).wait().size(), 100U);
    const auto asked = server.asked();
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_FALSE(asked[0].tcp);
    EXPECT_TRUE(asked[1].tcp);
}

TEST_F(dns, an_answer_that_comes_byte_by_byte) {
    const dns_server server([](const dns_question& q) {
        dns_reply r = many_by_tcp(q);
        r.in_bytes = true;
        return r;
    });
    EXPECT_EQ(asking(server).lookup("many.example", 1, ip_family::v4).wait().size(), 100U);
}

TEST_F(dns, a_server_that_hangs_up_half_way_is_an_error) {
    const dns_server server([](const dns_question& q) {
        dns_reply r = many_by_tcp(q);
        r.hang_up = true;
        return r;
    });
    const auto got = bide::as_result(impatient(server).lookup("many.example", 1, ip_family::v4)).wait();
    EXPECT_TRUE(got.error == dns_errc::no_server || got.error == dns_errc::timed_out) << got.error.message();
}

// ---- services -----------------------------------------------------------------------------------------------------

TEST_F(dns, C15_24_services_come_in_the_order_of_their_priority) {
    const dns_server server([](const dns_question& q) {
        dns_reply r;
        if (q.type == dns_is::srv)
            r.records = {dns_is::service(20, 0, 5223, "last.example"), dns_is::service(10, 5, 5222, "first.example")};
        return r;
    });
    const auto all = asking(server).lookup_srv("_xmpp._tcp.example").wait();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].target, "first.example");
    EXPECT_EQ(all[0].port, 5222);
    EXPECT_EQ(all[0].priority, 10);
    EXPECT_EQ(all[0].weight, 5);
    EXPECT_EQ(all[1].target, "last.example");
}

TEST_F(dns, a_domain_can_say_that_it_has_no_such_service) {
    const dns_server server([](const dns_question&) {
        dns_reply r;
        r.records = {dns_is::service(0, 0, 0, ".")};
        return r;
    });
    EXPECT_EQ(bide::as_result(asking(server).lookup_srv("_pop3._tcp.example")).wait().error, dns_errc::no_service);
}

TEST(srv_order, C15_24_within_a_priority_the_weight_is_the_share) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto up_to = [&](std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n)(random); };
    std::map<std::string, int> first;
    for (int i = 0; i < 20'000; ++i) {
        std::vector<bide::srv_record> all(4);
        all[0].target = "later", all[0].priority = 9, all[0].weight = 65535;
        all[1].target = "three", all[1].weight = 3;
        all[2].target = "never or hardly ever", all[2].weight = 0;
        all[3].target = "one", all[3].weight = 1;
        bide::detail::order_services(all, up_to);
        EXPECT_EQ(all.back().target, "later");
        ++first[all.front().target];
    }
    // RFC 2782 draws from 0 to the sum, ends included: of 0..4 the zero is for those without weight.
    EXPECT_NEAR(first["three"], 12'000, 600);
    EXPECT_NEAR(first["one"], 4'000, 600);
    EXPECT_NEAR(first["never or hardly ever"], 4'000, 600);
    std::vector<bide::srv_record> none;
    bide::detail::order_services(none, up_to);
}

// ---- without a server ---------------------------------------------------------------------------------------------

TEST_F(dns, C15_24_the_hosts_file_comes_first) {
    const dns_server server([](const dns_question&) { return with_code(3); });
    const auto got = asking(server).lookup("localhost", 80, ip_family::v4).wait();
    EXPECT_EQ(texts(got), std::vector<std::string>{"127.0.0.1:80"});
    EXPECT_TRUE(server.asked().empty());
}

TEST_F(dns, the_hosts_file_can_be_left_aside) {
    std::ifstream hosts("/etc/hosts");  // the name of this machine, if it stands there: a name that is not localhost
    std::string line;
    std::string name;
    while (std::getline(hosts, line)) {
        std::istringstream words(line);
        std::string address;
        std::string first;
        if (words >> address >> first && address[0] != '#' && first.rfind("localhost", 0) != 0 &&
            first.rfind("ip6-", 0) != 0 && address.find('.') != std::string::npos)
            name = first;
    }
    const dns_server server(&both_families);
    bide::dns_options o;
    o.servers = {server.at()};
    o.search_domains = false;
    o.hosts_file = false;
    o.timeout = 20s;
    const std::string asked = name.empty() ? "host.example" : name;
    EXPECT_EQ(texts(resolver(o).lookup(asked, 7, ip_family::v4).wait()),
              (std::vector<std::string>{"192.0.2.1:7", "192.0.2.2:7"}));
}

TEST_F(dns, C15_24_numbers_are_given_back) {
    const dns_server server([](const dns_question&) { return with_code(3); });
    const resolver ask = asking(server);
    EXPECT_EQ(texts(ask.lookup("192.0.2.7", 80).wait()), std::vector<std::string>{"192.0.2.7:80"});
    EXPECT_EQ(texts(ask.lookup("2001:db8::7", 80).wait()), std::vector<std::string>{"[2001:db8::7]:80"});
    EXPECT_EQ(bide::as_result(ask.lookup("192.0.2.7", 80, ip_family::v6)).wait().error, dns_errc::no_data);
    EXPECT_TRUE(server.asked().empty());
    std::thread([&] {  // this thread's loop keeps real time
        const bide::testing::virtual_time time;
        EXPECT_EQ(ask.lookup("192.0.2.7", 80).wait().size(), 1U);  // they need no socket
    })
        .join();
}

TEST_F(dns, what_cannot_be_a_name_is_not_asked_for) {
    const dns_server server(&both_families);
    const resolver ask = asking(server);
    EXPECT_EQ(bide::as_result(ask.lookup("")).wait().error, dns_errc::bad_name);
    EXPECT_EQ(bide::as_result(ask.lookup(".")).wait().error, dns_errc::bad_name);
    EXPECT_EQ(bide::as_result(ask.lookup(std::string("host.example\0.evil.example", 26))).wait().error,
              dns_errc::bad_name);
    EXPECT_EQ(bide::as_result(ask.lookup(std::string(300, 'x'))).wait().error, dns_errc::bad_name);
    EXPECT_EQ(bide::as_result(ask.lookup(std::string(100, 'x') + ".example")).wait().error, dns_errc::bad_name);
    EXPECT_EQ(bide::as_result(ask.lookup("two..dots.example")).wait().error, dns_errc::bad_name);
    EXPECT_EQ(bide::as_result(ask.lookup_srv("")).wait().error, dns_errc::bad_name);
    EXPECT_TRUE(server.asked().empty());
}

TEST_F(dns, options_that_make_no_sense_are_refused) {
    bide::dns_options o;
    o.timeout = -1ms;
    EXPECT_THROW(static_cast<void>(resolver(o)), std::invalid_argument);
    o.timeout = 1ms;
    o.attempts = -1;
    EXPECT_THROW(static_cast<void>(resolver(o)), std::invalid_argument);
}

TEST_F(dns, C15_8_there_is_no_looking_up_in_virtual_time) {
    const dns_server server(&both_families);
    const resolver ask = asking(server);
    std::thread([&] {
        const bide::testing::virtual_time time;
        EXPECT_THROW(static_cast<void>(ask.lookup("host.example").wait()), std::logic_error);
    }).join();
}

// ---- stopping, many, elsewhere ------------------------------------------------------------------------------------

TEST_F(dns, C15_7_its_sockets_are_closed_on_exec) {
    const dns_server server([](const dns_question&) {
        dns_reply r;
        r.silent = true;
        return r;
    });
    std::vector<int> inherited;  // the process that started the test may have left descriptors open
    for (int fd = 0; fd < 1024; ++fd)
        if (const int flags = ::fcntl(fd, F_GETFD); flags >= 0 && (flags & FD_CLOEXEC) == 0) inherited.push_back(fd);
    bide::loop l;
    auto pending = l.submit(&resolver::lookup, asking(server), "host.example", std::uint16_t{1}, ip_family::any);
    while (server.asked().size() < 2) l.poll();
    std::vector<int> now;
    for (int fd = 0; fd < 1024; ++fd)
        if (const int flags = ::fcntl(fd, F_GETFD); flags >= 0 && (flags & FD_CLOEXEC) == 0) now.push_back(fd);
    EXPECT_EQ(now, inherited);
    pending.stop();
    support::turn_until(l, pending);
    EXPECT_EQ(pending.status(), bide::future_status::cancelled);
}

// Stopped after k turns of the loop, for every k until it comes to its end: by UDP and then by TCP, byte by byte.
TEST_F(dns, cancelled_at_every_step_it_leaks_nothing) {
    const dns_server server([](const dns_question& q) {
        dns_reply r = many_by_tcp(q);
        r.in_bytes = true;
        return r;
    });
    const resolver ask = asking(server);
    bide::loop l;
    support::open_what_stays(l);
    const auto before = support::open_descriptors().size();
    int steps = 0;
    for (bool ended = false; !ended; ++steps) {
        auto f = l.submit(&resolver::lookup, ask, "many.example", std::uint16_t{1}, ip_family::v4);
        for (int i = 0; i < steps && f.status() == bide::future_status::pending; ++i) l.poll();
        ended = f.status() == bide::future_status::succeeded;
        f.stop();
        support::turn_until(l, f);
        EXPECT_NE(f.status(), bide::future_status::failed) << bide::describe(f.state().failure());
        if (steps > 60) {  // turns go by while the answer is under way: from here on in larger strides
            steps += steps / 4;
        }
    }
    for (int i = 0; i < 100; ++i) l.poll();
    std::size_t mine = support::open_descriptors().size();
    // The server's side of what was cut off is closed by the server's thread, when it notices.
    for (int i = 0; i < 10'000 && mine > before; ++i) {
        std::this_thread::yield();
        mine = support::open_descriptors().size();
    }
    EXPECT_LE(mine, before);
}

TEST_F(dns, many_at_once_on_one_loop) {
    const dns_server server([](const dns_question& q) {
        dns_reply r;
        const std::string last = q.name.substr(1, q.name.find('.') - 1);
        if (q.type == dns_is::a) r.records = {dns_is::v4(("192.0.2." + last).c_str())};
        return r;
    });
    const resolver ask = asking(server);
    std::vector<task<std::vector<ip_endpoint>>> all;
    for (int i = 0; i < 100; ++i) all.push_back(ask.lookup("h" + std::to_string(i) + ".example", 1, ip_family::v4));
    const auto got = bide::when_all(std::move(all)).wait();
    for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_EQ(got[i].size(), 1U);
        EXPECT_EQ(got[i][0].address(), "192.0.2." + std::to_string(i));
    }
}

TEST_F(dns, from_many_threads_at_once) {
    const dns_server server(&both_families);
    const resolver ask = asking(server);
    std::atomic<int> right{0};
    {
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int n = 0; n < 20; ++n) right += ask.lookup("host.example").wait().size() == 3 ? 1 : 0;
            });
        for (std::thread& t : threads) t.join();
    }
    EXPECT_EQ(right, 80);
}

TEST_F(dns, on_an_executor_without_a_loop) {
    const dns_server server(&many_by_tcp);
    const resolver ask = asking(server);
    support::own_executor w;
    std::atomic<bool> over{false};
    std::thread running([&] { w.run_until(over); });
    for (int i = 0; i < 100; ++i) {
        bide::scope_options options;
        options.on = &w;
        bide::with_scope(options, [&](bide::scope& s) {
            auto all = s.start(&resolver::lookup, ask, "many.example", std::uint16_t{1}, ip_family::v4);
            auto stopped = s.start(&resolver::lookup, ask, "many.example", std::uint16_t{1}, ip_family::v4);
            if (i % 2 == 0) stopped.stop();
            EXPECT_EQ(all.wait().size(), 100U);
        });
    }
    over = true;
    w.wake();
    running.join();
}

}  // namespace
