// SPDX-License-Identifier: BSL-1.0
//
// A DNS server on loopback, UDP and TCP on one port, whose answers a test writes by hand.
#pragma once

#include <bide/io/ip_endpoint.hpp>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace support {

struct dns_question {
    std::string name;
    std::uint16_t type = 0;
    bool tcp = false;
    int number = 0;  // how often this was asked, by UDP and TCP together; the first time 1
};
struct dns_record {
    std::uint16_t type;
    std::string data;
};
struct dns_reply {
    int code = 0;
    std::vector<dns_record> records;
    bool truncated = false;
    bool silent = false;    // no answer
    bool garbage = false;   // an answer that is none
    bool hang_up = false;   // TCP: half an answer, then closed
    bool in_bytes = false;  // TCP: byte by byte
    bool wrong_id = false;  // somebody else's answer first
};

namespace dns {
inline constexpr std::uint16_t a = 1;
inline constexpr std::uint16_t aaaa = 28;
inline constexpr std::uint16_t srv = 33;

inline std::string number(std::uint16_t n) { return {static_cast<char>(n >> 8U), static_cast<char>(n & 255U)}; }
inline std::string name(const std::string& dotted) {
    std::string all;
    for (std::size_t at = 0; at < dotted.size();) {
        const std::size_t dot = std::min(dotted.find('.', at), dotted.size());
        all += static_cast<char>(dot - at) + dotted.substr(at, dot - at);
        at = dot + 1;
    }
    return all + '\0';
}
inline dns_record v4(const char* address) {
    std::string data(4, '\0');
    EXPECT_EQ(::inet_pton(AF_INET, address, data.data()), 1);
    return {a, data};
}
inline dns_record v6(const char* address) {
    std::string data(16, '\0');
    EXPECT_EQ(::inet_pton(AF_INET6, address, data.data()), 1);
    return {aaaa, data};
}
inline dns_record service(std::uint16_t priority, std::uint16_t weight, std::uint16_t port, const std::string& target) {
    return {srv,
            number(priority) + number(weight) + number(port) + (target == "." ? std::string(1, '\0') : name(target))};
}
}  // namespace dns

class dns_server {
public:
    using script = std::function<dns_reply(const dns_question&)>;

    explicit dns_server(script answers) : answers_(std::move(answers)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        for (int tries = 0; tries < 50; ++tries) {  // a port that is free for both
            at.sin_port = 0;
            tcp_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            const auto* native = reinterpret_cast<sockaddr*>(&at);
            if (::bind(tcp_, native, sizeof at) == 0 && ::listen(tcp_, 16) == 0 &&
                ::getsockname(tcp_, reinterpret_cast<sockaddr*>(&at), &size) == 0 &&
                ::bind(udp_, native, sizeof at) == 0)
                break;
            ::close(tcp_);
            ::close(udp_);
        }
        port_ = ntohs(at.sin_port);
        end_ = ::eventfd(0, EFD_CLOEXEC);
        thread_ = std::thread([this] { serve(); });
    }
    dns_server(const dns_server&) = delete;
    dns_server& operator=(const dns_server&) = delete;
    ~dns_server() {
        const std::uint64_t one = 1;
        EXPECT_EQ(::write(end_, &one, sizeof one), 8);
        thread_.join();
        for (const int fd : connections_) ::close(fd);
        for (const int fd : {tcp_, udp_, end_}) ::close(fd);
    }

    [[nodiscard]] bide::ip_endpoint at() const { return bide::ip_endpoint::loopback(port_); }
    /// Everything that was asked, in order.
    [[nodiscard]] std::vector<dns_question> asked() const {
        const std::lock_guard guard(m_);
        return asked_;
    }

private:
    void serve() {
        for (;;) {
            std::vector<pollfd> all{{end_, POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
            for (const int fd : connections_) all.push_back({fd, POLLIN, 0});
            if (::poll(all.data(), all.size(), -1) < 0) continue;
            if (all[0].revents != 0) return;
            if (all[1].revents != 0) datagram();
            if (all[2].revents != 0) connections_.push_back(::accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC));
            for (std::size_t i = 3; i < all.size(); ++i)
                if (all[i].revents != 0 && !query(all[i].fd)) {
                    ::close(all[i].fd);
                    std::erase(connections_, all[i].fd);
                }
        }
    }
    void datagram() {
        char buffer[2048];
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        const ssize_t n = ::recvfrom(udp_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (n <= 12) return;
        const std::string question(buffer, static_cast<std::size_t>(n));
        dns_reply r;
        std::string bytes = answer(question, false, r);
        const auto send = [&](const std::string& what) {
            ::sendto(udp_, what.data(), what.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
        };
        if (r.silent) return;
        if (r.wrong_id) {
            std::string other = bytes;
            other[0] = static_cast<char>(other[0] ^ 1);
            other.back() = static_cast<char>(other.back() ^ 1);
            send(other);
        }
        send(bytes);
    }
    // False: over with it.
    bool query(int fd) {
        unsigned char length[2];
        if (::recv(fd, length, 2, MSG_WAITALL) != 2) return false;
        std::string question(static_cast<std::size_t>(length[0] * 256 + length[1]), '\0');
        if (::recv(fd, question.data(), question.size(), MSG_WAITALL) != static_cast<ssize_t>(question.size()))
            return false;
        dns_reply r;
        std::string bytes = answer(question, true, r);
        bytes = dns::number(static_cast<std::uint16_t>(bytes.size())) + bytes;
        if (r.silent) return true;
        if (r.hang_up) bytes.resize(bytes.size() / 2);
        if (r.in_bytes) {
            for (const char c : bytes)
                if (::send(fd, &c, 1, MSG_NOSIGNAL) != 1) return false;
        } else if (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
            return false;
        }
        return !r.hang_up;
    }
    std::string answer(const std::string& question, bool tcp, dns_reply& r) {
        dns_question q;
        std::size_t at = 12;
        while (at < question.size() && question[at] != 0) {
            const auto n = static_cast<std::size_t>(question[at]);
            q.name += (q.name.empty() ? "" : ".") + question.substr(at + 1, n);
            at += n + 1;
        }
        q.type = static_cast<std::uint16_t>(static_cast<unsigned char>(question[at + 1]) * 256 +
                                            static_cast<unsigned char>(question[at + 2]));
        q.tcp = tcp;
        const std::size_t end = at + 5;
        {
            const std::lock_guard guard(m_);
            q.number = ++counts_[{q.name, q.type}];
            asked_.push_back(q);
        }
        r = answers_(q);
        if (r.garbage) return question.substr(0, 2) + "\x81\x80 what is this?";
        const auto flags = static_cast<std::uint16_t>(0x8180 | (r.truncated ? 0x0200 : 0) | r.code);
        std::string bytes = question.substr(0, 2) + dns::number(flags) + dns::number(1) +
                            dns::number(static_cast<std::uint16_t>(r.records.size())) + dns::number(0) +
                            dns::number(0) + question.substr(12, end - 12);
        for (const dns_record& one : r.records)
            bytes += dns::number(0xc00c) + dns::number(one.type) + dns::number(1) + dns::number(0) + dns::number(60) +
                     dns::number(static_cast<std::uint16_t>(one.data.size())) + one.data;
        return bytes;
    }

    script answers_;
    int tcp_ = -1;
    int udp_ = -1;
    int end_ = -1;
    std::uint16_t port_ = 0;
    std::vector<int> connections_;
    std::map<std::pair<std::string, std::uint16_t>, int> counts_;
    std::vector<dns_question> asked_;
    mutable std::mutex m_;
    std::thread thread_;
};

}  // namespace support
