// SPDX-License-Identifier: BSL-1.0
#include "io/tls/openssl.hpp"

#include <bide/io/tls_error.hpp>

#include <openssl/err.h>

namespace bide {
inline namespace v0 {
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

}  // namespace detail
}  // namespace v0
}  // namespace bide
