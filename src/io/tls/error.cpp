// SPDX-License-Identifier: BSL-1.0
#include "io/tls/openssl.hpp"

#include <bide/error.hpp>
#include <bide/io/tls.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
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

namespace detail {

std::error_code first_openssl_error() noexcept {
    const unsigned long code = ::ERR_get_error();  // the first one: what comes after is about whom it reached
    ::ERR_clear_error();
    if (code == 0) return {};
    if (ERR_SYSTEM_ERROR(code)) return {ERR_GET_REASON(code), std::system_category()};
    return {static_cast<int>(code), tls_category()};
}

void throw_openssl(const std::string& what) {
    std::error_code error = first_openssl_error();
    if (!error) error = std::make_error_code(std::errc::not_enough_memory);
    throw std::system_error(error, what);
}

immediate_op<true> tls_checkpoint() noexcept {
    return {tls_kind, nullptr, [](void*) noexcept { return std::error_code(); }};
}

task<std::size_t> tls_count(task<io_result<std::size_t>> op, const char* what) {
    const io_result<std::size_t> got = co_await std::move(op);
    if (got.error) throw std::system_error(got.error, what);
    co_return got.value;
}

task<> tls_all(task<io_result<std::size_t>> op, const char* what) {
    const io_result<std::size_t> got = co_await std::move(op);
    if (got.error) throw std::system_error(got.error, what);
}

task<> tls_done(task<std::error_code> op, const char* what) {
    const std::error_code error = co_await std::move(op);
    if (error) throw std::system_error(error, what);
}

void tls_refused(std::error_code error, const std::string& host) {
    std::string what = host.empty() ? "tls handshake" : "tls handshake with " + host;
    if (error.category() == tls_verify_category()) what += ": the peer's certificate is not accepted";
    throw std::system_error(error, what);
}

void throw_empty_tls() { throw usage_error("this tls_stream is empty: it was moved from or default-constructed"); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
