// SPDX-License-Identifier: BSL-1.0
// An HTTP client that keeps its connections.
#pragma once

#include "http.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

class http_client {
public:
    explicit http_client(const bide::ip_endpoint& server) noexcept : server_(server) {}

private:
    friend class download;
    bide::ip_endpoint server_;
    std::vector<std::unique_ptr<http_connection>> idle_;  // for the next requests
};

/// One file, part by part. A download that is not read to its end closes its connection.
class download {
public:
    download(http_client& client, std::string name) : client_(&client), name_(std::move(name)) {}

    /// Asks for it; returns when the response has begun. Throws std::runtime_error when the server refuses.
    bide::task<> begin();
    /// The next part, which is there until the next call; empty: that was all.
    bide::task<std::span<const std::byte>> next();

private:
    http_client* client_;
    std::string name_;
    std::unique_ptr<http_connection> connection_;
    std::optional<http::response_parser<http::buffer_body>> response_;
    std::vector<std::byte> part_;
};
