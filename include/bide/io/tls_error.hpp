// SPDX-License-Identifier: BSL-1.0
//
// tls_error.hpp: what can be wrong with a TLS connection, as error codes.
#pragma once

#include <system_error>
#include <type_traits>

namespace bide {
inline namespace v0 {

/// What bide has to say of a TLS connection. Everything else in this category is a code of OpenSSL's, with its words.
enum class tls_errc {
    truncated = 1,      ///< the stream ended without the peer saying so: something may be missing, cut off by somebody
    handshake_cut = 2,  ///< the connection ended before both sides had agreed
};

/// Why the peer's certificate was not accepted. There are more, in OpenSSL's words (the values are its X509_V_ERR_…).
enum class tls_verify_errc {
    unknown_issuer = 20,
    not_yet_valid = 9,
    expired = 10,
    self_signed = 18,
    self_signed_root = 19,  ///< the chain ends with a root that nobody trusts
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
