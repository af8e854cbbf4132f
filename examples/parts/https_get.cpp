// SPDX-License-Identifier: BSL-1.0
//
// https_get: what a web server has at an address, by TLS, on standard output.
//
//     https_get https://example.org/
//     https_get --roots ca.pem https://localhost:8443/file
//
// The name is looked up, its addresses are raced, the server's certificate has to be good and for that name, and a page
// that was cut off on its way is an error. All of it has ten seconds.
#include <bide/bide.hpp>
#include <bide/io/connect.hpp>
#include <bide/io/tls.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

struct address {
    std::string host;
    std::uint16_t port = 443;
    std::string path = "/";
};

address parse(std::string_view url) {
    constexpr std::string_view scheme = "https://";
    if (!url.starts_with(scheme)) throw std::invalid_argument("not an address that begins with https://");
    url.remove_prefix(scheme.size());
    address a;
    const std::size_t slash = std::min(url.find('/'), url.size());
    if (slash != url.size()) a.path = url.substr(slash);
    std::string_view host = url.substr(0, slash);
    if (const std::size_t colon = host.rfind(':');
        colon != std::string_view::npos && host.find(']', colon) == host.npos) {
        const std::string_view port = host.substr(colon + 1);
        const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), a.port);
        if (error != std::errc() || end != port.data() + port.size()) throw std::invalid_argument("not a port");
        host = host.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    a.host = host;
    return a;
}

bide::task<> get(bide::tls_context context, address from) {
    bide::tcp_stream below = co_await bide::connect_tcp(from.host, from.port);
    auto server = co_await bide::tls_connect(context, std::move(below), from.host);
    const std::string request =
        "GET " + from.path + " HTTP/1.0\r\nHost: " + from.host + "\r\nConnection: close\r\n\r\n";
    co_await server.write_all(bide::bytes_of(request));

    std::string head;  // up to the empty line; what follows is the page
    bool in_head = true;
    std::array<std::byte, 16 * 1024> buffer;
    while (const std::size_t n = co_await server.read_some(buffer)) {
        std::string_view part = bide::text_of(std::span<const std::byte>(buffer).first(n));
        if (in_head) {
            head += part;
            const std::size_t end = head.find("\r\n\r\n");
            if (end == std::string::npos) continue;
            in_head = false;
            part = std::string_view(head).substr(end + 4);
            const std::string_view status = std::string_view(head).substr(0, head.find("\r\n"));
            if (status.find(" 200") == std::string_view::npos) throw std::runtime_error(std::string(status));
        }
        std::cout << part;
    }
    if (in_head) throw std::runtime_error("the server did not answer");
    std::cout.flush();
}

}  // namespace

int main(int count, char** words) {
    try {
        bide::tls_options options;
        int at = 1;
        if (at + 1 < count && std::string_view(words[at]) == "--roots") {
            options.load_roots(words[at + 1]);
            at += 2;
        }
        if (at + 1 != count) {
            std::cerr << "usage: https_get [--roots FILE] https://HOST[:PORT][/PATH]\n";
            return 2;
        }
        auto context = bide::tls_context::client(options);
        bide::with_timeout(std::chrono::seconds(10), get(context, parse(words[at]))).wait();
        return 0;
    } catch (const std::exception& e) {
        std::cerr << "https_get: " << e.what() << '\n';
        return 1;
    }
}
