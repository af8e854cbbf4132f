// SPDX-License-Identifier: BSL-1.0
//
// tls_engine: TLS without a connection. Bytes from the peer go in, bytes for the peer come out; what moves them is
// tls_link. OpenSSL's connection is not for two threads at once, and a reader and a writer may be two: so every call
// takes a lock, and nothing waits under it.
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
    /// How far a call came.
    struct step {
        std::size_t count = 0;     // bytes read or written
        bool wants_input = false;  // it goes on when bytes of the peer have come
        bool ended = false;        // the peer has said that this was all
        std::error_code error{};
    };

    /// A client's `host` is whom the certificate has to be for. Throws std::system_error, std::invalid_argument.
    tls_engine(const tls_context& context, bool server, const std::string& host);
    tls_engine(const tls_engine&) = delete;
    tls_engine& operator=(const tls_engine&) = delete;
    ~tls_engine();

    [[nodiscard]] step handshake() noexcept;
    [[nodiscard]] step read(std::span<std::byte> to) noexcept;
    [[nodiscard]] step write(std::span<const std::byte> from) noexcept;
    /// Says that this was all; once, however often it is called.
    [[nodiscard]] std::error_code end_output() noexcept;
    [[nodiscard]] std::error_code update_keys() noexcept;

    void input(std::span<const std::byte> from_peer);
    void input_ended() noexcept;
    [[nodiscard]] bool has_output() const noexcept;
    /// After a handshake: the peer is not waiting for what is to be sent. A server's tickets in TLS 1.3: a peer that
    /// does not read yet would hold up the server.
    [[nodiscard]] bool output_may_wait() const noexcept;
    /// All that is to be sent, in place of what `to` held; what was taken out is not given again.
    void take_output(std::vector<std::byte>& to);

    /// Bytes that a cancelled read had taken: the next read begins with them.
    void give_back(std::span<const std::byte> bytes) noexcept;

    /// One reader and one writer at a time; throws usage_error.
    void begin_reading();
    void end_reading() noexcept;
    void begin_writing();
    void end_writing(bool cut) noexcept;
    /// A write was cancelled after a part of it had been encrypted.
    [[nodiscard]] bool cut() const noexcept;

    [[nodiscard]] tls_version version() const noexcept;
    [[nodiscard]] std::string cipher() const;
    [[nodiscard]] std::string protocol() const;
    [[nodiscard]] std::string server_name() const;
    [[nodiscard]] bool resumed() const noexcept;
    [[nodiscard]] std::string peer_certificate() const;
    [[nodiscard]] std::string peer_name() const;
    [[nodiscard]] const std::string& host() const noexcept { return host_; }

private:
    [[nodiscard]] step outcome(int result) noexcept;

    mutable os_mutex m_;
    const std::shared_ptr<tls_context_state> context_;
    const std::string host_;
    ssl_st* ssl_ = nullptr;
    bio_st* in_ = nullptr;   // the connection's
    bio_st* out_ = nullptr;  // the same
    std::vector<std::byte> returned_;
    std::size_t returned_from_ = 0;
    std::error_code broken_;  // from now on for every read
    std::error_code fatal_;   // from now on for every write too
    bool agreed_ = false;
    bool input_ended_ = false;
    bool output_ended_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool cut_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
