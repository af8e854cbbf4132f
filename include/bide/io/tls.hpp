// SPDX-License-Identifier: BSL-1.0
//
// tls.hpp: a stream that nobody else can read or change, over any other stream.
//
//     auto context = bide::tls_context::client();
//     auto below = co_await bide::connect_tcp("example.org", 443);                            // connect.hpp
//     auto s = co_await bide::tls_connect(context, std::move(below), "example.org");          // and is it really they?
//     co_await s.write_all(request);
//     while (std::size_t n = co_await s.read_some(buffer)) …                    // 0: they said that this was all
//
//     auto s = co_await bide::tls_accept(server_context, co_await listener.accept());         // the other side
//
// The end of the stream is something that the peer says. If the connection ends without it, somebody may have cut it
// off: that is tls_errc::truncated, and not the end. finish() says it for our side, and ends our side of the stream
// below; reading goes on (though many a peer answers by closing).
//
// Thread rule: as tcp_stream: one reader and one writer at a time (another one: usage_error; finish() and update_keys()
//   count as writers), on any threads, loops and executors. close() may be called from any thread meanwhile, if it may
//   be on the stream below.
// Lifetime rule: a buffer lives until its operation has ended. The stream below belongs to this one.
// Cancellation: a cancelled handshake closes the connection. A cancelled read takes nothing (what read_exactly had
//   taken is given back), and harms nothing of what is sent. A cancelled write, write_some too, may have sent a part:
//   then further writes and finish() fail with io_errc::write_cut; the peer sees a truncated stream.
// Destructor: closes, without saying that this was all. What is pending ends as it does on the stream below.
// Errors: std::system_error: of the stream below; io_errc; tls_category (in OpenSSL's words); and for a certificate
//   that was not accepted, tls_verify_category: "certificate has expired", "hostname mismatch". The try_ forms give an
//   io_result. An empty or moved-from object: usage_error.
// Renegotiation is refused; changed keys (TLS 1.3) and tickets are taken as they come. Handshakes have no limit of
// their own: with_timeout gives one.
// This room is a part of the library bide::tls (it needs OpenSSL 3).
#pragma once

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
task<std::size_t> tls_count(task<io_result<std::size_t>> op, const char* what);  // throws its error
task<> tls_all(task<io_result<std::size_t>> op, const char* what);
task<> tls_done(task<std::error_code> op, const char* what);
[[noreturn]] void tls_refused(std::error_code error, const std::string& host);
[[noreturn]] void throw_empty_tls();
}  // namespace detail

/// `S` is the stream below.
template <class S>
class tls_stream {
    using link = detail::tls_link<S>;
    using count_result = io_result<std::size_t>;

public:
    /// Connected to nobody.
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

    /// As tcp_stream's.
    [[nodiscard]] task<std::size_t> read_some(std::span<std::byte> to) {
        return detail::tls_count(try_read_some(to), "tls read");
    }
    [[nodiscard]] task<count_result> try_read_some(std::span<std::byte> to) { return link::read(alive(), to, false); }
    [[nodiscard]] task<> read_exactly(std::span<std::byte> to) {
        return detail::tls_all(try_read_exactly(to), "tls read");
    }
    [[nodiscard]] task<count_result> try_read_exactly(std::span<std::byte> to) { return link::read(alive(), to, true); }
    [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> from) {
        return detail::tls_count(try_write_some(from), "tls write");
    }
    [[nodiscard]] task<count_result> try_write_some(std::span<const std::byte> from) {
        return link::write(alive(), from, false);
    }
    [[nodiscard]] task<> write_all(std::span<const std::byte> from) {
        return detail::tls_all(try_write_all(from), "tls write");
    }
    [[nodiscard]] task<count_result> try_write_all(std::span<const std::byte> from) {
        return link::write(alive(), from, true);
    }

    /// Says that this was all, and ends our side. May be called again, after it was cancelled too.
    [[nodiscard]] task<> finish() { return detail::tls_done(try_finish(), "tls end"); }
    [[nodiscard]] task<std::error_code> try_finish() { return link::finish(alive()); }
    /// New keys for both directions (TLS 1.3), as is due after a very long time.
    [[nodiscard]] task<> update_keys() { return detail::tls_done(link::update_keys(alive()), "tls update of keys"); }
    void close() noexcept {
        if (link_) link_->below().close();
    }

    // ---- what was agreed ----
    [[nodiscard]] tls_version version() const { return engine().version(); }
    /// "TLS_AES_256_GCM_SHA384"
    [[nodiscard]] std::string cipher() const { return engine().cipher(); }
    /// By ALPN; empty: none was agreed.
    [[nodiscard]] std::string protocol() const { return engine().protocol(); }
    /// Whom the client asked for, on both sides; empty: nobody in particular.
    [[nodiscard]] std::string server_name() const { return engine().server_name(); }
    /// An earlier session went on: no certificates were exchanged.
    [[nodiscard]] bool resumed() const { return engine().resumed(); }
    /// PEM; empty: the peer showed none.
    [[nodiscard]] std::string peer_certificate() const { return engine().peer_certificate(); }
    /// Whose it says it is: "CN=example.org,O=Example"; empty: there is none.
    [[nodiscard]] std::string peer_name() const { return engine().peer_name(); }

    /// The stream below; what is read or written there is missing here.
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

/// The client's side: `host` is whom we mean to talk to, as a name or as an address in numbers.
template <byte_stream S>
[[nodiscard]] task<tls_stream<S>> tls_connect(tls_context context, S below, std::string host) {
    return detail::tls_handshake<S>(std::move(context), std::move(below), false, std::move(host));
}

/// The server's side.
template <byte_stream S>
[[nodiscard]] task<tls_stream<S>> tls_accept(tls_context context, S below) {
    return detail::tls_handshake<S>(std::move(context), std::move(below), true, std::string());
}

}  // namespace v0
}  // namespace bide
