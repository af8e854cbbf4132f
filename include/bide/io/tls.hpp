// SPDX-License-Identifier: BSL-1.0
//
// tls.hpp: an encrypted and authenticated stream (TLS 1.2 and 1.3) over any other stream.
//
//     auto context = bide::tls_context::client();
//     auto below = co_await bide::connect_tcp("example.org", 443);                            // connect.hpp
//     auto s = co_await bide::tls_connect(context, std::move(below), "example.org");   // verifies the certificate
//     co_await s.write_all(request);
//     while (std::size_t n = co_await s.read_some(buffer)) …                    // 0: the peer has ended its side
//
//     auto s = co_await bide::tls_accept(server_context, co_await listener.accept());         // the server's side
//
// The peer announces the end of its stream. A connection that ends without the announcement may have been cut by an
// attacker: a read then fails with tls_errc::truncated and does not report the end. finish() announces our end, and
// ends our side of the stream below; reading goes on, though many peers answer by closing.
//
// Thread rule: one reader and one writer at a time (another one throws usage_error; finish() and update_keys() count as
//   writers), on any threads, loops and executors. close() may be called from any thread meanwhile, if the stream below
//   allows it.
// Lifetime rule: a buffer lives until its operation has ended. The tls_stream owns the stream below.
// Cancellation: a cancelled handshake closes the connection. A cancelled read takes nothing (the next read gets what a
//   read_exactly had taken), and leaves what is being sent intact. A cancelled write, write_some too, may have sent a
//   part: then further writes and finish() fail with io_errc::write_cut, and the peer sees a truncated stream.
// Destructor: closes the stream below without announcing the end. What is pending ends as it does on the stream below.
// Errors: std::system_error with a code of the stream below, an io_errc, a code of tls_category (in OpenSSL's words),
//   or, if the peer's certificate is not accepted, of tls_verify_category ("certificate has expired", "hostname
//   mismatch"). as_result() returns the code instead. usage_error from an empty or moved-from object.
// The stream refuses renegotiation, and accepts changed keys (TLS 1.3) and session tickets at any time. A handshake has
// no time limit of its own: with_timeout gives one.
// This header is a part of the library bide::tls, which needs OpenSSL 3.
#pragma once

#include <bide/detail/io/coded_task.hpp>
#include <bide/detail/io/tls/tls_link.hpp>
#include <bide/io/stream.hpp>
#include <bide/io/tls_context.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {
[[noreturn]] void tls_refused(std::error_code error, const std::string& host);
[[noreturn]] void throw_empty_tls();
}  // namespace detail

/// `S` is the type of the stream below.
template <class S>
class tls_stream {
    using link = detail::tls_link<S>;

public:
    /// An empty object: no connection.
    tls_stream() noexcept = default;
    tls_stream(tls_stream&& other) noexcept = default;
    tls_stream& operator=(tls_stream&& other) noexcept {
        if (this != &other) {
            close();
            link_ = std::move(other.link_);
        }
        return *this;
    }
    ~tls_stream() { close(); }

    // The four operations of a stream, with the meaning that tcp_stream gives them.
    [[nodiscard]] detail::coded_task<std::size_t> read_some(std::span<std::byte> to) {
        return {link::read(alive(), to, false), "tls read"};
    }
    [[nodiscard]] detail::coded_transfer read_exactly(std::span<std::byte> to) {
        return {link::read(alive(), to, true), "tls read"};
    }
    [[nodiscard]] detail::coded_task<std::size_t> write_some(std::span<const std::byte> from) {
        return {link::write(alive(), from, false), "tls write"};
    }
    [[nodiscard]] detail::coded_transfer write_all(std::span<const std::byte> from) {
        return {link::write(alive(), from, true), "tls write"};
    }

    /// Announces our end to the peer, and ends our side of the stream below. It may be called again, also after a
    /// cancelled call.
    [[nodiscard]] detail::coded_task<void> finish() { return {link::finish(alive()), "tls end"}; }
    /// Changes the keys of both directions (TLS 1.3 only), which is due after a very large amount of data.
    [[nodiscard]] detail::coded_task<void> update_keys() { return {link::update_keys(alive()), "tls update of keys"}; }
    void close() noexcept {
        if (link_) link_->below().close();
    }

    // ---- what the two sides have agreed ----
    [[nodiscard]] tls_version version() const { return engine().version(); }
    /// As in "TLS_AES_256_GCM_SHA384".
    [[nodiscard]] std::string cipher() const { return engine().cipher(); }
    /// The protocol chosen by ALPN; empty if none was.
    [[nodiscard]] std::string protocol() const { return engine().protocol(); }
    /// The host that the client has named, on both sides; empty if it has named none.
    [[nodiscard]] std::string server_name() const { return engine().server_name(); }
    /// Returns true if the connection resumes an earlier session, so that no certificates were exchanged.
    [[nodiscard]] bool resumed() const { return engine().resumed(); }
    /// The peer's certificate as PEM; empty if the peer has sent none.
    [[nodiscard]] std::string peer_certificate() const { return engine().peer_certificate(); }
    /// The subject of the peer's certificate: "CN=example.org,O=Example"; empty if there is no certificate.
    [[nodiscard]] std::string peer_name() const { return engine().peer_name(); }

    /// The stream below. Trap: bytes that other code reads or writes there are lost to TLS, and break the connection.
    [[nodiscard]] S& below() { return alive()->below(); }

    // Internal.
    explicit tls_stream(std::shared_ptr<link> l) noexcept : link_(std::move(l)) {}

private:
    [[nodiscard]] const std::shared_ptr<link>& alive() const {
        if (!link_) [[unlikely]]
            detail::throw_empty_tls();
        return link_;
    }
    [[nodiscard]] detail::tls_engine& engine() const { return alive()->engine(); }
    std::shared_ptr<link> link_;
};

namespace detail {

template <class S>
task<tls_stream<S>> tls_handshake(tls_context context, S below, bool server, std::string host) {
    auto link = std::make_shared<tls_link<S>>(context, std::move(below), server, host);
    const std::error_code error = co_await tls_link<S>::handshake(link);
    if (error) tls_refused(error, host);
    co_return tls_stream<S>(std::move(link));
}

}  // namespace detail

/// Makes the client's handshake. `host` is the name, or the numeric address, that the server's certificate must be for.
template <byte_stream S>
[[nodiscard]] task<tls_stream<S>> tls_connect(tls_context context, S below, std::string host) {
    return detail::tls_handshake<S>(std::move(context), std::move(below), false, std::move(host));
}

/// Makes the server's handshake.
template <byte_stream S>
[[nodiscard]] task<tls_stream<S>> tls_accept(tls_context context, S below) {
    return detail::tls_handshake<S>(std::move(context), std::move(below), true, std::string());
}

}  // namespace v0
}  // namespace bide
