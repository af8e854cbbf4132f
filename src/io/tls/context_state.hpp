// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "io/tls/openssl.hpp"
#include "io/tls/session_store.hpp"

#include <bide/io/tls_context.hpp>

#include <string>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

/// What the copies of a context share. It does not change, but for the sessions, which have a lock of their own.
class tls_context_state {
public:
    tls_context_state(const tls_options& options, bool server);
    tls_context_state(const tls_context_state&) = delete;
    tls_context_state& operator=(const tls_context_state&) = delete;

    [[nodiscard]] SSL_CTX* get() const noexcept { return context_.get(); }
    [[nodiscard]] bool server() const noexcept { return server_; }
    /// A client's, that has to know whom it talks to.
    [[nodiscard]] bool verifies_host() const noexcept { return !server_ && verify_; }
    [[nodiscard]] session_store& sessions() noexcept { return sessions_; }

private:
    void use_identity(const tls_options& options);
    void use_roots(const tls_options& options);
    void use_protocols(const tls_options& options);
    void use_sessions(const tls_options& options);
    static int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                               const unsigned char* offered, unsigned int offered_size, void* self);
    static int on_new_session(SSL* ssl, SSL_SESSION* session);

    owned<SSL_CTX> context_;
    const bool server_;
    const bool verify_;
    std::vector<unsigned char> protocols_;  // as they go over the wire
    session_store sessions_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
