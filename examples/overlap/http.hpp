// SPDX-License-Identifier: BSL-1.0
// HTTP messages over a bide::tcp_stream: Boost.Beast parses and writes them, bide moves the bytes.
#pragma once

#include <bide/io/tcp.hpp>
#include <bide/task.hpp>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace http = boost::beast::http;

/// One end of a connection: the stream, and what has been read of the next message.
class http_connection {
public:
    explicit http_connection(bide::tcp_stream stream) : stream_(std::move(stream)) {}

    /// Reads until the header is complete. False: the peer ended the connection instead of beginning a message.
    template <bool IsRequest>
    bide::task<bool> read_header(http::basic_parser<IsRequest>& parser);

    /// The next part of a body, at most as much as there is room for; 0: that was all.
    bide::task<std::size_t> read_body(http::response_parser<http::buffer_body>& parser, std::span<std::byte> to);

    /// Writes the message, or as much of it as its body has in hand.
    template <bool IsRequest, class Body>
    bide::task<> write(http::serializer<IsRequest, Body>& message);

private:
    template <bool IsRequest>
    bide::task<bool> feed(http::basic_parser<IsRequest>& parser);

    bide::tcp_stream stream_;
    boost::beast::flat_buffer read_;
};

/// A file's name as the target of a request, and back. Back throws std::invalid_argument for what is not a plain path.
std::string to_target(std::string_view name);
std::string from_target(std::string_view target);
