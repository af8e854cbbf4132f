// SPDX-License-Identifier: BSL-1.0
//
// tls_engine: one TLS connection without a transport. tls_link puts the bytes that came from the peer into it, and
// takes the bytes for the peer out of it.
//
// Thread rule: OpenSSL allows one thread at a time in a connection, and the reader and the writer of a stream may run
// on two threads. Every call therefore takes m_, and no task waits under it. W1: read() is called between
// begin_reading() and end_reading(), everything that encrypts between begin_writing() and end_writing().
#pragma once

#include <bide/detail/base/os_mutex.hpp>
#include <bide/io/tls_context.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

struct ssl_st;
struct bio_st;

namespace bide {
inline namespace v0 {
namespace detail {

class tls_engine {
public:
    /// What a call has achieved.
    struct step {
        std::size_t count = 0;     // bytes read or written
        bool wants_input = false;  // the call is to be repeated when bytes of the peer have come
        bool ended = false;        // the peer has announced its end
        std::error_code error{};
    };

    /// The certificate of a client's peer must be for `host`. Throws std::system_error, std::invalid_argument.
    tls_engine(const tls_context& context, bool server, const std::string& host);
    tls_engine(const tls_engine&) = delete;
    tls_engine& operator=(const tls_engine&) = delete;
    ~tls_engine();

    [[nodiscard]] step handshake() noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] step read(std::span<std::byte> to) noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] step write(std::span<const std::byte> from) noexcept BIDE_EXCLUDES(m_);
    /// Makes the announcement of our end; further calls do nothing.
    [[nodiscard]] std::error_code end_output() noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] std::error_code update_keys() noexcept BIDE_EXCLUDES(m_);

    void input(std::span<const std::byte> from_peer) BIDE_EXCLUDES(m_);
    void input_ended() noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] bool has_output() const noexcept BIDE_EXCLUDES(m_);
    /// Returns true if what is left to send after a handshake may wait for the first write: a server's tickets in TLS
    /// 1.3, for which the peer does not wait. Sending them at once would block the server while the peer does not read.
    [[nodiscard]] bool output_may_wait() const noexcept BIDE_EXCLUDES(m_);
    /// Moves all bytes for the peer into `to`, whose former content goes.
    void take_output(std::vector<std::byte>& to) BIDE_EXCLUDES(m_);

    /// Puts bytes back that a cancelled read had taken: the next read begins with them.
    void give_back(std::span<const std::byte> bytes) noexcept BIDE_EXCLUDES(m_);

    /// The begin_ functions throw usage_error if another reader, or writer, is under way.
    void begin_reading() BIDE_EXCLUDES(m_);
    void end_reading() noexcept BIDE_EXCLUDES(m_);
    void begin_writing() BIDE_EXCLUDES(m_);
    void end_writing(bool cut) noexcept BIDE_EXCLUDES(m_);
    /// Returns true if a write was cancelled after a part of it had been encrypted.
    [[nodiscard]] bool cut() const noexcept BIDE_EXCLUDES(m_);

    [[nodiscard]] tls_version version() const noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] std::string cipher() const BIDE_EXCLUDES(m_);
    [[nodiscard]] std::string protocol() const BIDE_EXCLUDES(m_);
    [[nodiscard]] std::string server_name() const BIDE_EXCLUDES(m_);
    [[nodiscard]] bool resumed() const noexcept BIDE_EXCLUDES(m_);
    [[nodiscard]] std::string peer_certificate() const BIDE_EXCLUDES(m_);
    [[nodiscard]] std::string peer_name() const BIDE_EXCLUDES(m_);
    [[nodiscard]] const std::string& host() const noexcept { return host_; }

private:
    [[nodiscard]] step outcome(int result) noexcept BIDE_REQUIRES(m_);

    mutable os_mutex m_;
    const std::shared_ptr<tls_context_state> context_;
    const std::string host_;
    ssl_st* ssl_ BIDE_GUARDED_BY(m_) = nullptr;
    bio_st* in_ BIDE_GUARDED_BY(m_) = nullptr;   // the connection's
    bio_st* out_ BIDE_GUARDED_BY(m_) = nullptr;  // the same
    std::vector<std::byte> returned_ BIDE_GUARDED_BY(m_);
    std::size_t returned_from_ BIDE_GUARDED_BY(m_) = 0;
    std::error_code broken_ BIDE_GUARDED_BY(m_);  // from now on for every read
    std::error_code fatal_ BIDE_GUARDED_BY(m_);   // from now on for every write too
    bool agreed_ BIDE_GUARDED_BY(m_) = false;
    bool input_ended_ BIDE_GUARDED_BY(m_) = false;
    bool output_ended_ BIDE_GUARDED_BY(m_) = false;
    bool reading_ BIDE_GUARDED_BY(m_) = false;
    bool writing_ BIDE_GUARDED_BY(m_) = false;
    bool cut_ BIDE_GUARDED_BY(m_) = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
