// SPDX-License-Identifier: BSL-1.0
#include "client.hpp"

#include <algorithm>
#include <stdexcept>

bide::task<> download::begin() {
    if (client_->idle_.empty()) {
        bide::tcp_stream stream = co_await bide::tcp_stream::connect(client_->server_);
        connection_ = std::make_unique<http_connection>(std::move(stream));
    } else {
        connection_ = std::move(client_->idle_.back());
        client_->idle_.pop_back();
    }

    http::request<http::empty_body> request(http::verb::get, to_target(name_), 11);
    request.set(http::field::host, client_->server_.to_string());
    http::serializer<true, http::empty_body> message(request);
    co_await connection_->write(message);

    response_.emplace();
    response_->body_limit(boost::none);
    if (!co_await connection_->read_header(*response_)) throw std::runtime_error("the server closed the connection");
    if (const http::status status = response_->get().result(); status != http::status::ok)
        throw std::runtime_error("the server says " + std::to_string(static_cast<unsigned>(status)) + " " +
                                 std::string(http::obsolete_reason(status)));
}

bide::task<std::span<const std::byte>> download::next() {
    constexpr std::uint64_t most = 256 * 1024;
    if (part_.empty()) part_.resize(std::clamp<std::uint64_t>(response_->content_length().value_or(most), 1, most));
    const std::size_t n = co_await connection_->read_body(*response_, part_);
    if (n == 0 && response_->keep_alive()) client_->idle_.push_back(std::move(connection_));
    co_return std::span<const std::byte>(part_).first(n);
}
