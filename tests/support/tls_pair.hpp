// SPDX-License-Identifier: BSL-1.0
//
// What tests of TLS begin with: contexts of an authority of their own, and two ends of a connection in memory.
#pragma once

#include <bide/combine.hpp>
#include <bide/io/memory_stream.hpp>
#include <bide/io/tls.hpp>

#include "support/certificates.hpp"
#include "support/io.hpp"

#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace support {

using memory_tls = bide::tls_stream<bide::memory_stream>;
inline constexpr const char* tls_host = "host.example";

inline const authority& our_authority() {
    static const authority one("our authority");
    return one;
}
/// For host.example and 127.0.0.1.
inline const issued_certificate& our_certificate() {
    static const issued_certificate one = our_authority().issue("DNS:host.example,DNS:localhost,IP:127.0.0.1,IP:::1");
    return one;
}
inline bide::tls_options client_options() {
    bide::tls_options o;
    o.roots = our_authority().pem();
    return o;
}
inline bide::tls_options server_options(const issued_certificate& with = our_certificate()) {
    bide::tls_options o;
    o.certificates = with.certificate;
    o.key = with.key;
    return o;
}

/// How a handshake ended, on both sides.
struct handshake_ends {
    std::error_code client;
    std::error_code server;
    std::string client_says;
    std::string server_says;
    memory_tls client_stream;
    memory_tls server_stream;
};

namespace tls_detail {
inline bide::task<> end(bide::task<memory_tls> op, memory_tls& to, std::error_code& error, std::string& says) {
    try {
        to = co_await std::move(op);
    } catch (const std::system_error& e) {
        error = e.code();
        says = e.what();
    }
}
}  // namespace tls_detail

inline handshake_ends shake_hands(bide::memory_stream client, bide::memory_stream server, const bide::tls_context& c,
                                  const bide::tls_context& s, const std::string& host = tls_host) {
    handshake_ends e;
    bide::when_all(
        tls_detail::end(bide::tls_connect(c, std::move(client), host), e.client_stream, e.client, e.client_says),
        tls_detail::end(bide::tls_accept(s, std::move(server)), e.server_stream, e.server, e.server_says))
        .wait();
    return e;
}
inline handshake_ends shake_hands(const bide::tls_context& c, const bide::tls_context& s,
                                  const std::string& host = tls_host, std::size_t capacity = 64 * 1024) {
    auto [client, server] = bide::memory_stream::pair(capacity);
    return shake_hands(std::move(client), std::move(server), c, s, host);
}

}  // namespace support
