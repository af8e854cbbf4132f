// SPDX-License-Identifier: BSL-1.0
//
// The calls of OpenSSL for one connection, over two buffers in memory: in_ for bytes from the peer, out_ for bytes for
// the peer.
//
// Called by tls_link, where a task of the stream runs: the reading and the writing task may be on two threads, and m_
// lets one in at a time. No call blocks.
#include "io/tls/context_state.hpp"

#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/io/tls/tls_engine.hpp>
#include <bide/error.hpp>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

bool is_address(const std::string& host) noexcept {
    in6_addr any{};
    return ::inet_pton(AF_INET, host.c_str(), &any) == 1 || ::inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

// Brings a host into the form that certificates have: an address without an interface, a name without a dot at its end.
std::string plain(std::string host) {
    host.erase(std::min(host.find('%'), host.size()));
    if (!host.empty() && host.back() == '.') host.pop_back();
    return host;
}

void ask_for(SSL* ssl, const std::string& host) {
    const bool number = is_address(host);
    if (!number && ::SSL_set_tlsext_host_name(ssl, host.c_str()) != 1) throw_openssl("tls server name");
    X509_VERIFY_PARAM* const param = ::SSL_get0_param(ssl);
    // RFC 9525: only the certificate's list of names counts, not its subject, and a star stands for a whole label.
    ::X509_VERIFY_PARAM_set_hostflags(param,
                                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if ((number ? ::X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str())
                : ::X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size())) != 1)
        throw_openssl("tls server name");
}

std::string text_in(BIO* from) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(from, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

tls_engine::tls_engine(const tls_context& context, bool server, const std::string& host)
    : context_(context.state_), host_(plain(host)) {
    if (context_->server() != server)
        throw std::invalid_argument(server ? "tls_accept needs a context from tls_context::server"
                                           : "tls_connect needs a context from tls_context::client");
    if (host_.find('\0') != std::string::npos || host_.size() > 253)
        throw std::invalid_argument("tls_connect: this cannot be a host");
    if (host_.empty() && context_->verifies_host())
        throw std::invalid_argument("tls_connect: whose certificate should it be? the host is empty");
    ::ERR_clear_error();
    struct freed_if_left {
        SSL* ssl;
        ~freed_if_left() { ::SSL_free(ssl); }
    } made{::SSL_new(context_->get())};
    if (made.ssl == nullptr) throw_openssl("tls");
    owned<BIO> in(::BIO_new(::BIO_s_mem()));
    owned<BIO> out(::BIO_new(::BIO_s_mem()));
    if (!in || !out) throw std::bad_alloc();
    in_ = in.get();
    out_ = out.get();
    ::SSL_set_bio(made.ssl, in.release(), out.release());
    SSL_set_app_data(made.ssl, this);
    if (server) {
        ::SSL_set_accept_state(made.ssl);
    } else {
        ::SSL_set_connect_state(made.ssl);
        if (!host_.empty()) {
            ask_for(made.ssl, host_);
            if (const owned<SSL_SESSION> earlier = context_->sessions().take(host_))
                ::SSL_set_session(made.ssl, earlier.get());
        }
    }
    ssl_ = std::exchange(made.ssl, nullptr);
}

tls_engine::~tls_engine() {
    // OpenSSL drops the session of a connection that was not closed in order. bide keeps it, because the session is as
    // good as before (RFC 8446, 4.6.1).
    if (agreed_ && !fatal_) ::SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ::SSL_free(ssl_);
}

// Translates the result of a call of OpenSSL (1: success).
tls_engine::step tls_engine::outcome(int result) noexcept {
    step s;
    if (result == 1) return s;
    switch (::SSL_get_error(ssl_, result)) {
        case SSL_ERROR_WANT_READ:
            if (!input_ended_) {
                s.wants_input = true;
                return s;
            }
            s.error = agreed_ ? tls_errc::truncated : tls_errc::handshake_cut;
            break;
        case SSL_ERROR_ZERO_RETURN:
            s.ended = true;
            return s;
        default: {
            const bool certificate = ERR_GET_LIB(::ERR_peek_error()) == ERR_LIB_SSL &&
                                     ERR_GET_REASON(::ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
            s.error = first_openssl_error();
            const long verified = ::SSL_get_verify_result(ssl_);
            if (certificate && verified != X509_V_OK) s.error = {static_cast<int>(verified), tls_verify_category()};
            if (!s.error) s.error = agreed_ ? tls_errc::truncated : tls_errc::handshake_cut;
            fatal_ = s.error;  // OpenSSL forbids further calls for this connection
            break;
        }
    }
    broken_ = s.error;
    return s;
}

tls_engine::step tls_engine::handshake() noexcept {
    const lock_guard guard(m_);
    step s;
    s.error = broken_;
    if (s.error) return s;
    ::ERR_clear_error();
    s = outcome(::SSL_do_handshake(ssl_));
    agreed_ = !s.wants_input && !s.error;
    return s;
}

tls_engine::step tls_engine::read(std::span<std::byte> to) noexcept {
    const lock_guard guard(m_);
    BIDE_ASSERT(W1, reading_);
    step s;
    if (const std::size_t left = returned_.size() - returned_from_; left != 0) {
        s.count = std::min(left, to.size());
        std::memcpy(to.data(), returned_.data() + returned_from_, s.count);
        returned_from_ += s.count;
        if (returned_from_ == returned_.size()) {
            returned_ = {};
            returned_from_ = 0;
        }
        return s;
    }
    s.error = broken_;
    if (s.error) return s;
    ::ERR_clear_error();
    std::size_t n = 0;
    s = outcome(::SSL_read_ex(ssl_, to.data(), to.size(), &n));
    s.count = n;
    return s;
}

tls_engine::step tls_engine::write(std::span<const std::byte> from) noexcept {
    const lock_guard guard(m_);
    BIDE_ASSERT(W1, writing_);
    step s;
    s.error = output_ended_ ? std::make_error_code(std::errc::broken_pipe) : fatal_;
    if (s.error) return s;
    ::ERR_clear_error();
    std::size_t n = 0;
    if (::SSL_write_ex(ssl_, from.data(), from.size(), &n) != 1) {
        s.error = first_openssl_error();
        if (!s.error) s.error = std::make_error_code(std::errc::protocol_error);
        fatal_ = broken_ = s.error;
    }
    s.count = n;
    return s;
}

std::error_code tls_engine::end_output() noexcept {
    const lock_guard guard(m_);
    BIDE_ASSERT(W1, writing_);
    if (output_ended_) return {};
    if (fatal_) return fatal_;
    ::ERR_clear_error();
    if (::SSL_shutdown(ssl_) < 0) {
        std::error_code error = first_openssl_error();
        if (!error) error = std::make_error_code(std::errc::protocol_error);
        return fatal_ = broken_ = error;
    }
    output_ended_ = true;
    return {};
}

std::error_code tls_engine::update_keys() noexcept {
    const lock_guard guard(m_);
    BIDE_ASSERT(W1, writing_);
    if (output_ended_) return std::make_error_code(std::errc::broken_pipe);
    if (fatal_) return fatal_;
    ::ERR_clear_error();
    if (::SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED) != 1) return first_openssl_error();
    if (::SSL_do_handshake(ssl_) != 1) return fatal_ = broken_ = first_openssl_error();
    return {};
}

void tls_engine::input(std::span<const std::byte> from_peer) {
    const lock_guard guard(m_);
    const int size = static_cast<int>(std::min<std::size_t>(from_peer.size(), INT_MAX));
    if (::BIO_write(in_, from_peer.data(), size) != size) throw std::bad_alloc();
}
void tls_engine::input_ended() noexcept {
    const lock_guard guard(m_);
    input_ended_ = true;
}
bool tls_engine::has_output() const noexcept {
    const lock_guard guard(m_);
    return ::BIO_ctrl_pending(out_) != 0;
}
bool tls_engine::output_may_wait() const noexcept { return context_->server() && version() == tls_version::tls_1_3; }
void tls_engine::take_output(std::vector<std::byte>& to) {
    constexpr std::size_t kept = std::size_t{20} * 1024;  // an idle connection keeps no larger buffer
    const lock_guard guard(m_);
    const std::size_t size = ::BIO_ctrl_pending(out_);
    if (size == 0) {
        to.clear();
        if (to.capacity() > kept) to = {};
        return;
    }
    to.resize(size);
    std::size_t got = 0;
    if (::BIO_read_ex(out_, to.data(), size, &got) != 1) got = 0;
    to.resize(got);
}

void tls_engine::give_back(std::span<const std::byte> bytes) noexcept {
    const lock_guard guard(m_);
    BIDE_ASSERT(W1, reading_);
    try {
        returned_.insert(returned_.begin() + static_cast<std::ptrdiff_t>(returned_from_), bytes.begin(), bytes.end());
    } catch (const std::bad_alloc&) {  // the stream ends with an error: bytes are missing
        returned_ = {};
        returned_from_ = 0;
        broken_ = std::make_error_code(std::errc::not_enough_memory);
    }
}

void tls_engine::begin_reading() {
    const lock_guard guard(m_);
    if (std::exchange(reading_, true))
        throw usage_error("tls read: another task is reading here already; a stream has one reader at a time");
}
void tls_engine::end_reading() noexcept {
    const lock_guard guard(m_);
    BIDE_ASSERT(W1, reading_);
    reading_ = false;
}
void tls_engine::begin_writing() {
    const lock_guard guard(m_);
    if (std::exchange(writing_, true))
        throw usage_error("tls write: another task is writing here already; a stream has one writer at a time");
}
void tls_engine::end_writing(bool cut) noexcept {
    const lock_guard guard(m_);
    BIDE_ASSERT(W1, writing_);
    writing_ = false;
    cut_ = cut_ || cut;
}
bool tls_engine::cut() const noexcept {
    const lock_guard guard(m_);
    return cut_;
}

// ---- what the two sides have agreed
// ----------------------------------------------------------------------------------------------

tls_version tls_engine::version() const noexcept {
    const lock_guard guard(m_);
    return ::SSL_version(ssl_) >= TLS1_3_VERSION ? tls_version::tls_1_3 : tls_version::tls_1_2;
}
std::string tls_engine::cipher() const {
    const lock_guard guard(m_);
    return ::SSL_get_cipher_name(ssl_);
}
std::string tls_engine::protocol() const {
    const lock_guard guard(m_);
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    ::SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}
std::string tls_engine::server_name() const {
    const lock_guard guard(m_);
    const char* name = ::SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? name : "";
}
bool tls_engine::resumed() const noexcept {
    const lock_guard guard(m_);
    return ::SSL_session_reused(ssl_) != 0;
}
std::string tls_engine::peer_certificate() const {
    const lock_guard guard(m_);
    const owned<X509> theirs(::SSL_get1_peer_certificate(ssl_));
    const owned<BIO> to(::BIO_new(::BIO_s_mem()));
    if (!theirs || !to || ::PEM_write_bio_X509(to.get(), theirs.get()) != 1) return {};
    return text_in(to.get());
}
std::string tls_engine::peer_name() const {
    const lock_guard guard(m_);
    const owned<X509> theirs(::SSL_get1_peer_certificate(ssl_));
    const owned<BIO> to(::BIO_new(::BIO_s_mem()));
    if (!theirs || !to) return {};
    ::X509_NAME_print_ex(to.get(), ::X509_get_subject_name(theirs.get()), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    return text_in(to.get());
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
