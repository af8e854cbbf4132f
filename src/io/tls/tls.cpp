// SPDX-License-Identifier: BSL-1.0
//
// What tls_stream needs and is no template: operations whose error is thrown, and the texts of errors.
//
// The coroutines run where the task of the stream runs.
#include <bide/error.hpp>
#include <bide/io/tls.hpp>

#include <string>
#include <system_error>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

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
