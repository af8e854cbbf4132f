// SPDX-License-Identifier: BSL-1.0
//
// accept_patiently(): a task of the caller's, which sleeps while descriptors or memory are short.
#include <bide/io/tcp_options.hpp>
#include <bide/time.hpp>

#include <algorithm>
#include <utility>

namespace bide {
inline namespace v0 {

using namespace std::chrono_literals;

task<tcp_stream> accept_patiently(tcp_listener& at) {
    for (auto pause = 10ms;; pause = std::min(2 * pause, std::chrono::milliseconds(1s))) {
        result<tcp_stream> got = co_await as_result(at.accept());
        if (got.ok()) co_return std::move(got.value);
        const bool passes = got.error == std::errc::too_many_files_open ||
                            got.error == std::errc::too_many_files_open_in_system ||
                            got.error == std::errc::no_buffer_space || got.error == std::errc::not_enough_memory;
        if (!passes) throw std::system_error(got.error, "tcp accept");
        co_await sleep_for(pause);
    }
}

}  // namespace v0
}  // namespace bide
