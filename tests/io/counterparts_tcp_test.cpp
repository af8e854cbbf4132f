// SPDX-License-Identifier: BSL-1.0
// bide's TCP with other people's programs, as client and as server: socat, Python's http.server, nginx, curl.
#include <bide/combine.hpp>
#include <bide/io/stream.hpp>
#include <bide/io/tcp.hpp>

#include "support/no_leaks.hpp"
#include "support/program.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <array>
#include <string>
#include <vector>

namespace {

using bide::bytes_of;
using bide::ip_endpoint;
using bide::task;
using bide::tcp_listener;
using bide::tcp_stream;
using support::much_text;
using support::program;

task<std::string> read_to_end(tcp_stream& from) {
    std::string all;
    std::vector<std::byte> buffer(16 * 1024);
    while (const std::size_t n = co_await from.read_some(buffer))
        all += bide::text_of(std::span<const std::byte>(buffer).first(n));
    co_return all;
}
task<> send(tcp_stream& to, const std::string& text) {
    co_await to.write_all(bytes_of(text));
    co_await to.finish();
}
task<std::string> exchange(tcp_stream& with, const std::string& text) {
    auto [sent, got] = co_await bide::when_all(send(with, text), read_to_end(with));
    co_return std::move(got);
}
std::string ask(const ip_endpoint& at, const std::string& request) {
    tcp_stream s = tcp_stream::connect(at).wait();
    s.write_all(bytes_of(request)).wait();
    return read_to_end(s).wait();
}
std::string body_of(const std::string& answer) {
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "no answer: " + answer : answer.substr(end + 4);
}
/// Reads a request up to its empty line.
task<std::string> read_request(tcp_stream& from) {
    std::string all;
    std::array<std::byte, 1024> buffer;
    while (all.find("\r\n\r\n") == std::string::npos) {
        const std::size_t n = co_await from.read_some(buffer);
        if (n == 0) break;
        all += bide::text_of(std::span<const std::byte>(buffer).first(n));
    }
    co_return all;
}
std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}
/// Answers one request with the body; gives the request.
task<std::string> serve_once(tcp_listener& at, const std::string& body) {
    tcp_stream peer = co_await at.accept();
    std::string request = co_await read_request(peer);
    co_await send(peer, ok(body));
    co_return request;
}
std::string url(const tcp_listener& at) { return "http://" + at.endpoint().to_string() + "/"; }

class counterparts : public support::no_leaks {};

TEST_F(counterparts, socat_echoes_what_we_send_to_the_end) {
    program echo({"socat", "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1", "EXEC:cat"});
    const std::uint16_t port = echo.wait_for_port("listening on AF=2 127.0.0.1:");
    tcp_stream s = tcp_stream::connect(ip_endpoint::loopback(port)).wait();
    const std::string text = much_text(2'000'000);
    EXPECT_TRUE(exchange(s, text).wait() == text);
    EXPECT_EQ(echo.status(), 0) << echo.said();
}

TEST_F(counterparts, socat_is_our_client) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    program client({"socat", "-t", "60", "-", "TCP:" + at.endpoint().to_string()});
    client.say("half of it, ");
    tcp_stream peer = at.accept().wait();
    client.say("and the rest\n");
    client.end_input();
    EXPECT_EQ(read_to_end(peer).wait(), "half of it, and the rest\n");
    send(peer, "an answer after its end\n").wait();
    EXPECT_EQ(client.status(), 0);
    EXPECT_EQ(client.said(), "an answer after its end\n");
}

TEST_F(counterparts, C15_4_a_peer_that_is_killed_is_an_end_or_a_reset) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    program client({"socat", "-u", "/dev/zero", "TCP:" + at.endpoint().to_string()});
    tcp_stream peer = at.accept().wait();
    std::vector<std::byte> buffer(100'000);
    peer.read_exactly(buffer).wait();
    client.signal(SIGKILL);
    EXPECT_EQ(client.status(), 128 + SIGKILL);
    for (;;) {
        const auto got = bide::as_result(peer.read_some(buffer)).wait();
        if (got.ok() && got.value != 0) continue;
        EXPECT_TRUE(got.ok() || got.error == std::errc::connection_reset) << got.error.message();
        break;
    }
}

TEST_F(counterparts, pythons_http_server_gives_us_a_file) {
    const support::temporary_directory at;
    const std::string text = much_text(3'000'000);
    static_cast<void>(at.file("file.txt", text));
    program server(
        {"python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", at.path().string()});
    const std::uint16_t port = server.wait_for_port("127.0.0.1 port ");
    const std::string answer = ask(ip_endpoint::loopback(port), "GET /file.txt HTTP/1.0\r\n\r\n");
    EXPECT_EQ(answer.substr(0, 15), "HTTP/1.0 200 OK");
    EXPECT_TRUE(body_of(answer) == text);
    EXPECT_EQ(ask(ip_endpoint::loopback(port), "GET /nothing HTTP/1.0\r\n\r\n").substr(0, 12), "HTTP/1.0 404");
}

TEST_F(counterparts, pythons_http_client_is_answered) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    const std::string text = much_text(1'000'000);
    program client({"python3", "-c",
                    "import sys, urllib.request as u\nb = u.build_opener(u.ProxyHandler({})).open(sys.argv[1]).read()\n"
                    "print(len(b), sum(b))",
                    url(at)});
    EXPECT_EQ(serve_once(at, text).wait().substr(0, 14), "GET / HTTP/1.1");
    EXPECT_EQ(client.status(), 0);
    std::uint64_t sum = 0;
    for (const char c : text) sum += static_cast<unsigned char>(c);
    EXPECT_EQ(client.said(), "1000000 " + std::to_string(sum) + "\n");
}

TEST_F(counterparts, nginx_gives_us_a_file_and_keeps_the_connection) {
    const support::temporary_directory at;
    const std::string text = much_text(5'000'000);
    static_cast<void>(at.file("file.txt", text));
    const support::nginx server(at, "", "");
    EXPECT_TRUE(body_of(ask(server.at(), "GET /file.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) == text);
    tcp_stream s = tcp_stream::connect(server.at()).wait();
    for (int i = 0; i < 3; ++i) {
        s.write_all(bytes_of("HEAD /file.txt HTTP/1.1\r\nHost: x\r\n\r\n")).wait();
        EXPECT_NE(read_request(s).wait().find("Content-Length: 5000000"), std::string::npos);
    }
}

TEST_F(counterparts, nginx_is_our_client_as_a_proxy) {
    const support::temporary_directory files;
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    const support::nginx proxy(files, "location / { proxy_pass " + url(at) + "; }", "");
    const std::string text = much_text(500'000);
    const auto fetch = [](ip_endpoint to) -> task<std::string> {
        tcp_stream s = co_await tcp_stream::connect(to);
        co_await s.write_all(bytes_of("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        co_return co_await read_to_end(s);
    };
    auto [request, answer] = bide::when_all(serve_once(at, text), fetch(proxy.at())).wait();
    EXPECT_EQ(request.substr(0, 5), "GET /");
    EXPECT_TRUE(body_of(answer) == text);
}

TEST_F(counterparts, curl_gets_and_posts) {
    tcp_listener at = tcp_listener::listen(ip_endpoint::loopback(0));
    const std::string text = much_text(100'000);
    {
        program client({"curl", "-sS", "--noproxy", "*", url(at)});
        EXPECT_EQ(serve_once(at, text).wait().substr(0, 14), "GET / HTTP/1.1");
        EXPECT_EQ(client.status(), 0);
        EXPECT_TRUE(client.said() == text);
    }
    program cut({"curl", "-sS", "--noproxy", "*", url(at)});
    tcp_stream peer = at.accept().wait();
    static_cast<void>(read_request(peer).wait());
    peer.write_all(bytes_of("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nnot all of it")).wait();
    peer.close();
    EXPECT_EQ(cut.status(), 18) << cut.said();  // CURLE_PARTIAL_FILE
}

}  // namespace
