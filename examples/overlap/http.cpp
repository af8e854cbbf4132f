// SPDX-License-Identifier: BSL-1.0
#include "http.hpp"

#include <boost/beast/core/buffers_to_string.hpp>

#include <array>
#include <charconv>
#include <stdexcept>

namespace {
using boost::beast::error_code;

void check(const error_code& e) {
    if (e && e != http::error::need_more && e != http::error::need_buffer) throw std::system_error(e, "HTTP");
}
}  // namespace

// Gives the parser what is there, else more from the peer. False: the peer has ended the connection between messages.
template <bool IsRequest>
bide::task<bool> http_connection::feed(http::basic_parser<IsRequest>& parser) {
    error_code e;
    if (read_.size() != 0) {
        read_.consume(parser.put(read_.data(), e));
        check(e);
        if (e != http::error::need_more) co_return true;
    }
    const auto room = read_.prepare(16 * 1024);
    const std::size_t n = co_await stream_.read_some({static_cast<std::byte*>(room.data()), room.size()});
    read_.commit(n);
    if (n == 0) {
        if (!parser.got_some()) co_return false;
        parser.put_eof(e);  // in the middle: an error, unless the end of the body is the end of the connection
        check(e);
    }
    co_return true;
}

template <bool IsRequest>
bide::task<bool> http_connection::read_header(http::basic_parser<IsRequest>& parser) {
    while (!parser.is_header_done())
        if (!co_await feed(parser)) co_return false;
    co_return true;
}

bide::task<std::size_t> http_connection::read_body(http::response_parser<http::buffer_body>& parser,
                                                   std::span<std::byte> to) {
    auto& body = parser.get().body();
    body.data = to.data();
    body.size = to.size();  // what is left of it, from now on
    while (!parser.is_done() && body.size != 0) co_await feed(parser);
    co_return to.size() - body.size;
}

template <bool IsRequest, class Body>
bide::task<> http_connection::write(http::serializer<IsRequest, Body>& message) {
    while (!message.is_done()) {
        error_code e;
        std::string out;
        message.next(e, [&out](error_code& wanted, const auto& buffers) {
            wanted = {};
            out = boost::beast::buffers_to_string(buffers);
        });
        check(e);
        if (e == http::error::need_buffer) co_return;
        co_await stream_.write_all(std::as_bytes(std::span(out)));
        message.consume(out.size());
    }
}

template bide::task<bool> http_connection::read_header(http::basic_parser<true>&);
template bide::task<bool> http_connection::read_header(http::basic_parser<false>&);
template bide::task<> http_connection::write(http::serializer<true, http::empty_body>&);
template bide::task<> http_connection::write(http::serializer<false, http::buffer_body>&);

std::string to_target(std::string_view name) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    std::string target = "/";
    for (const char c : name) {
        if (plain.find(c) != std::string_view::npos) {
            target += c;
        } else {
            std::array<char, 4> code{};
            std::snprintf(code.data(), code.size(), "%%%02X", static_cast<unsigned char>(c));
            target += code.data();
        }
    }
    return target;
}

std::string from_target(std::string_view target) {
    target = target.substr(0, target.find('?'));
    if (target.empty() || target.front() != '/') throw std::invalid_argument("the target is not a path");
    std::string name;
    for (std::size_t i = 1; i < target.size(); ++i) {
        if (target[i] != '%') {
            name += target[i];
            continue;
        }
        unsigned char code = 0;
        const char* const digits = target.data() + i + 1;
        if (i + 2 >= target.size() || std::from_chars(digits, digits + 2, code, 16).ptr != digits + 2)
            throw std::invalid_argument("a % without two hexadecimal digits");
        name += static_cast<char>(code);
        i += 2;
    }
    if (name.find('\0') != std::string::npos) throw std::invalid_argument("a name with a zero byte");
    std::string_view rest = name;
    for (bool more = true; more;) {
        const std::size_t slash = rest.find('/');
        const std::string_view part = rest.substr(0, slash);
        if (part.empty() || part == "." || part == "..") throw std::invalid_argument("the path leads elsewhere");
        more = slash != std::string_view::npos;
        if (more) rest.remove_prefix(slash + 1);
    }
    return name;
}
