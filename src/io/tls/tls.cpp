// SPDX-License-Identifier: BSL-1.0
//
// What tls_stream needs and is no template: the texts of errors. Called where the task of the stream runs.
#include <bide/error.hpp>
#include <bide/io/tls.hpp>

#include <string>
#include <system_error>

namespace bide {
inline namespace v0 {
namespace detail {

void tls_refused(std::error_code error, const std::string& host) {
    std::string what = host.empty() ? "tls handshake" : "tls handshake with " + host;
    if (error.category() == tls_verify_category()) what += ": the peer's certificate is not accepted";
    throw std::system_error(error, what);
}

void throw_empty_tls() { throw usage_error("this tls_stream is empty: it was moved from or default-constructed"); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
