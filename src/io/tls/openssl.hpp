// SPDX-License-Identifier: BSL-1.0
//
// OpenSSL's objects with owners, and the calling thread's queue of OpenSSL's errors as std::error_code.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <system_error>

namespace bide {
inline namespace v0 {
namespace detail {

struct openssl_free {
    void operator()(BIO* p) const noexcept { ::BIO_free_all(p); }
    void operator()(EVP_PKEY* p) const noexcept { ::EVP_PKEY_free(p); }
    void operator()(SSL_CTX* p) const noexcept { ::SSL_CTX_free(p); }
    void operator()(SSL_SESSION* p) const noexcept { ::SSL_SESSION_free(p); }
    void operator()(X509* p) const noexcept { ::X509_free(p); }
    void operator()(STACK_OF(X509) * p) const noexcept { ::sk_X509_pop_free(p, &::X509_free); }
};
template <class T>
using owned = std::unique_ptr<T, openssl_free>;

/// Returns the oldest error in the calling thread's queue, or no error if it is empty; clears the queue.
[[nodiscard]] std::error_code first_openssl_error() noexcept;
/// Throws that error, or not_enough_memory if the queue is empty, as a std::system_error.
[[noreturn]] void throw_openssl(const std::string& what);

}  // namespace detail
}  // namespace v0
}  // namespace bide
