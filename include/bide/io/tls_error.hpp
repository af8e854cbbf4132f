// SPDX-License-Identifier: BSL-1.0
//
// tls_error.hpp: the error codes of TLS connections: bide's own, OpenSSL's, and the reasons why a certificate is not
// accepted.
//
//     try {
//         co_await bide::tls_connect(context, std::move(below), host);
//     } catch (const std::system_error& e) {
//         if (e.code() == bide::tls_verify_errc::expired) …
//     }
//
// Thread rule: the categories are constants; any thread may use them. Lifetime rule: they live until the program ends.
// This header is a part of the library bide::tls, which needs OpenSSL 3.
#pragma once

#include <system_error>
#include <type_traits>

namespace bide {
inline namespace v0 {

/// bide's own codes in tls_category. All other values of the category are OpenSSL's codes, with OpenSSL's texts.
enum class tls_errc {
    truncated = 1,      ///< the connection ended without the peer announcing the end: data may be missing
    handshake_cut = 2,  ///< the connection ended during the handshake
};

/// The frequent reasons why a peer's certificate is not accepted. The values are OpenSSL's X509_V_ERR_…; all of those
/// may occur.
enum class tls_verify_errc {
    unknown_issuer = 20,
    not_yet_valid = 9,
    expired = 10,
    self_signed = 18,
    self_signed_root = 19,  ///< the chain ends with a root that is not trusted
    wrong_purpose = 26,
    hostname_mismatch = 62,
    ip_address_mismatch = 64,
};

[[nodiscard]] const std::error_category& tls_category() noexcept;
[[nodiscard]] const std::error_category& tls_verify_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(tls_errc e) noexcept {
    return std::error_code(static_cast<int>(e), tls_category());
}
[[nodiscard]] inline std::error_code make_error_code(tls_verify_errc e) noexcept {
    return std::error_code(static_cast<int>(e), tls_verify_category());
}

}  // namespace v0
}  // namespace bide

template <>
struct std::is_error_code_enum<bide::tls_errc> : std::true_type {};
template <>
struct std::is_error_code_enum<bide::tls_verify_errc> : std::true_type {};
