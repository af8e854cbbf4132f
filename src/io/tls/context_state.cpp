// SPDX-License-Identifier: BSL-1.0
//
// How tls_options become an OpenSSL context, and the callbacks that OpenSSL makes for it.
//
// The constructor runs on the thread that makes the context. OpenSSL calls choose_protocol and on_new_session inside a
// call of tls_engine, on the thread of the task that reads, writes or shakes hands, under that engine's lock.
#include "io/tls/context_state.hpp"

#include <bide/detail/io/tls/tls_engine.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <climits>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {

namespace {

// The first context initialises OpenSSL, without OpenSSL's handler at the end of the process: bide's threads may still
// use what that handler would free.
void begin_library() {
    static const bool begun =
        ::OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ATEXIT,
                           nullptr) == 1;
    if (!begun) detail::throw_openssl("tls: OpenSSL cannot be used");
    ::ERR_clear_error();
}

using detail::owned;

owned<BIO> reader_of(const std::string& text) {
    if (text.size() > INT_MAX) throw std::invalid_argument("tls_options: the text is too long");
    owned<BIO> made(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!made) detail::throw_openssl("tls");
    return made;
}

// Gives the password of the options to OpenSSL, whose default is to ask at the terminal.
int give_password(char* to, int size, int, void* password) {
    const std::string& text = *static_cast<const std::string*>(password);
    if (text.empty() || text.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(to, text.data(), text.size());  // NOLINT(bugprone-not-null-terminated-result): its length is said
    return static_cast<int>(text.size());
}

owned<STACK_OF(X509)> certificates_in(const std::string& text, const char* what) {
    owned<STACK_OF(X509)> all(sk_X509_new_null());
    const owned<BIO> from = reader_of(text);
    ::ERR_clear_error();
    while (X509* one = ::PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr)) {
        if (sk_X509_push(all.get(), one) <= 0) {
            ::X509_free(one);
            throw std::bad_alloc();
        }
    }
    const unsigned long why = ::ERR_peek_last_error();
    if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE) detail::throw_openssl(what);
    if (sk_X509_num(all.get()) == 0) detail::throw_openssl(what);  // "no start line"
    ::ERR_clear_error();
    return all;
}

int native(tls_version v) noexcept { return v == tls_version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION; }

}  // namespace

namespace detail {

tls_context_state::tls_context_state(const tls_options& options, bool server)
    : server_(server), verify_(options.verify) {
    begin_library();
    if (options.minimum > options.maximum)
        throw std::invalid_argument("tls_options: the minimum version is above the maximum");
    ::ERR_clear_error();
    context_.reset(::SSL_CTX_new(server ? ::TLS_server_method() : ::TLS_client_method()));
    if (!context_) throw_openssl("tls context");
    SSL_CTX* const c = context_.get();
    if (::SSL_CTX_set_min_proto_version(c, native(options.minimum)) != 1 ||
        ::SSL_CTX_set_max_proto_version(c, native(options.maximum)) != 1)
        throw_openssl("tls versions");
    ::SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    ::SSL_CTX_clear_options(c, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT);
    ::SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_app_data(c, this);
    use_identity(options);
    use_roots(options);
    use_protocols(options);
    use_sessions(options);
}

void tls_context_state::use_identity(const tls_options& options) {
    if (options.certificates.empty() != options.key.empty())
        throw std::invalid_argument("tls_options: a certificate and its key go together");
    if (options.certificates.empty()) {
        if (server_) throw std::invalid_argument("tls_options: a server needs a certificate and its key");
        return;
    }
    const owned<STACK_OF(X509)> chain = certificates_in(options.certificates, "tls certificates");
    const owned<X509> leaf(sk_X509_shift(chain.get()));
    const owned<BIO> from = reader_of(options.key);
    std::string password = options.key_password;
    const owned<EVP_PKEY> key(::PEM_read_bio_PrivateKey(from.get(), nullptr, &give_password, &password));
    if (!key) throw_openssl("tls key");
    if (::SSL_CTX_use_cert_and_key(context_.get(), leaf.get(), key.get(), chain.get(), 1) != 1)
        throw_openssl("tls certificate and key");
}

void tls_context_state::use_roots(const tls_options& options) {
    SSL_CTX* const c = context_.get();
    if (server_ && options.clients != client_certificate::none && options.roots.empty() && !options.also_system_roots)
        throw std::invalid_argument("tls_options: whose clients? `roots` says who signs their certificates");
    if (options.roots.empty() || options.also_system_roots)
        if (::SSL_CTX_set_default_verify_paths(c) != 1) throw_openssl("tls system roots");
    if (!options.roots.empty()) {
        const owned<STACK_OF(X509)> all = certificates_in(options.roots, "tls roots");
        for (int i = 0; i < sk_X509_num(all.get()); ++i) {
            X509* const one = sk_X509_value(all.get(), i);
            if (::X509_STORE_add_cert(::SSL_CTX_get_cert_store(c), one) != 1) throw_openssl("tls roots");
            if (server_ && ::SSL_CTX_add_client_CA(c, one) != 1) throw_openssl("tls roots");
        }
    }
    int mode = SSL_VERIFY_NONE;
    if (server_ ? options.clients != client_certificate::none : options.verify) mode = SSL_VERIFY_PEER;
    if (server_ && options.clients == client_certificate::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    ::SSL_CTX_set_verify(c, mode, nullptr);
    ::ERR_clear_error();
}

void tls_context_state::use_protocols(const tls_options& options) {
    for (const std::string& p : options.protocols) {
        if (p.empty() || p.size() > 255)
            throw std::invalid_argument("tls_options: the name of a protocol has 1 to 255 bytes");
        protocols_.push_back(static_cast<unsigned char>(p.size()));
        protocols_.insert(protocols_.end(), p.begin(), p.end());
    }
    if (protocols_.empty()) return;
    if (server_)
        ::SSL_CTX_set_alpn_select_cb(context_.get(), &choose_protocol, this);
    else if (::SSL_CTX_set_alpn_protos(context_.get(), protocols_.data(), static_cast<unsigned>(protocols_.size())) !=
             0)
        throw_openssl("tls protocols");
}

int tls_context_state::choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                                       const unsigned char* offered, unsigned int offered_size, void* self) {
    const auto& ours = static_cast<tls_context_state*>(self)->protocols_;
    // The server's order decides; without a common protocol the handshake fails (RFC 7301).
    for (std::size_t i = 0; i < ours.size(); i += std::size_t{ours[i]} + 1)
        for (std::size_t k = 0; k < offered_size && k + offered[k] < offered_size; k += std::size_t{offered[k]} + 1)
            if (ours[i] == offered[k] && std::memcmp(&ours[i] + 1, offered + k + 1, ours[i]) == 0) {
                *chosen = offered + k + 1;
                *size = offered[k];
                return SSL_TLSEXT_ERR_OK;
            }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void tls_context_state::use_sessions(const tls_options& options) {
    SSL_CTX* const c = context_.get();
    if (server_) {
        static constexpr unsigned char name[] = "bide";  // sessions with client certificates need a context id
        ::SSL_CTX_set_session_id_context(c, name, sizeof name);
        ::SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);  // the server keeps no sessions: tickets hold them
        if (options.resume) return;
        ::SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
        ::SSL_CTX_set_num_tickets(c, 0);
        return;
    }
    if (!options.resume) {
        ::SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
        return;
    }
    ::SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    ::SSL_CTX_sess_set_new_cb(c, &on_new_session);
}

int tls_context_state::on_new_session(SSL* ssl, SSL_SESSION* session) {
    const auto* engine = static_cast<const tls_engine*>(SSL_get_app_data(ssl));
    auto* self = static_cast<tls_context_state*>(SSL_CTX_get_app_data(::SSL_get_SSL_CTX(ssl)));
    if (engine == nullptr || engine->host().empty()) return 0;
    try {  // no exception may pass through OpenSSL, which is C
        self->sessions_.keep(engine->host(), owned<SSL_SESSION>(session));
    } catch (...) {  // no memory: the session was freed, and the next connection makes a full handshake
    }
    return 1;  // the store owns the session, not OpenSSL
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
