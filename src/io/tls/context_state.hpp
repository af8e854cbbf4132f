// SPDX-License-Identifier: BSL-1.0
//
// tls_context_state: the OpenSSL context behind a tls_context and all its copies.
//
// Thread rule: the constructor sets everything up; afterwards any thread may use it at once. Only the sessions change,
// under a lock of their own.
#pragma once

#include "io/tls/openssl.hpp"
#include "io/tls/session_store.hpp"

#include <bide/io/tls_context.hpp>

#include <string>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

class tls_context_state {
public:
    tls_context_state(const tls_options& options, bool server);
    tls_context_state(const tls_context_state&) = delete;
    tls_context_state& operator=(const tls_context_state&) = delete;

    [[nodiscard]] SSL_CTX* get() const noexcept { return context_.get(); }
    [[nodiscard]] bool server() const noexcept { return server_; }
    /// Returns true for a client that verifies the host's name.
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
    std::vector<unsigned char> protocols_;  // in the encoding of ALPN: each with its length in front
    session_store sessions_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
