// SPDX-License-Identifier: BSL-1.0
//
// The texts of TLS errors: bide's own words, and OpenSSL's for OpenSSL's codes. Called on any thread.
#include <bide/io/tls_error.hpp>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <string>

namespace bide {
inline namespace v0 {

namespace {

class tls_category_type final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "bide.tls"; }
    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<tls_errc>(code)) {
            case tls_errc::truncated:
                return "the stream ended without the peer saying so: something may be missing";
            case tls_errc::handshake_cut:
                return "the connection ended before the handshake was over";
        }
        const char* reason = ::ERR_reason_error_string(static_cast<unsigned long>(code));
        return reason != nullptr ? reason : "unknown error";
    }
};

class tls_verify_category_type final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "bide.tls.verify"; }
    [[nodiscard]] std::string message(int code) const override { return ::X509_verify_cert_error_string(code); }
};

constexpr bool is(tls_verify_errc ours, int theirs) noexcept { return static_cast<int>(ours) == theirs; }
static_assert(is(tls_verify_errc::unknown_issuer, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY));
static_assert(is(tls_verify_errc::not_yet_valid, X509_V_ERR_CERT_NOT_YET_VALID));
static_assert(is(tls_verify_errc::expired, X509_V_ERR_CERT_HAS_EXPIRED));
static_assert(is(tls_verify_errc::self_signed, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT));
static_assert(is(tls_verify_errc::self_signed_root, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN));
static_assert(is(tls_verify_errc::wrong_purpose, X509_V_ERR_INVALID_PURPOSE));
static_assert(is(tls_verify_errc::hostname_mismatch, X509_V_ERR_HOSTNAME_MISMATCH));
static_assert(is(tls_verify_errc::ip_address_mismatch, X509_V_ERR_IP_ADDRESS_MISMATCH));

}  // namespace

const std::error_category& tls_category() noexcept {
    static const tls_category_type category;
    return category;
}

const std::error_category& tls_verify_category() noexcept {
    static const tls_verify_category_type category;
    return category;
}

}  // namespace v0
}  // namespace bide
