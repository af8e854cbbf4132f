// SPDX-License-Identifier: BSL-1.0
//
// OpenSSL's errors as codes and exceptions. OpenSSL has a queue of errors per thread: both functions are called on the
// thread of the failed call, directly after it.
#include "io/tls/openssl.hpp"

#include <bide/io/tls_error.hpp>

#include <openssl/err.h>

namespace bide {
inline namespace v0 {
namespace detail {

std::error_code first_openssl_error() noexcept {
    const unsigned long code =
        ::ERR_get_error();  // the oldest is the cause; later ones say through which functions it passed
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

}  // namespace detail
}  // namespace v0
}  // namespace bide
