// SPDX-License-Identifier: BSL-1.0
//
// The public members of signal_set. They run on the thread of the caller; what waits is in signal_ops.cpp.
#include <bide/error.hpp>
#include <bide/io/signal.hpp>

#include <memory>

namespace bide {
inline namespace v0 {

signal_set::signal_set(std::uint64_t signals) : source_(std::make_unique<detail::signal_source>(signals)) {}

namespace {
detail::signal_source& checked(const std::unique_ptr<detail::signal_source>& s) {
    if (s == nullptr) [[unlikely]]
        throw usage_error("this signal_set is empty: it was moved from");
    return *s;
}
}  // namespace
detail::signal_op signal_set::next() { return detail::signal_op(checked(source_)); }

}  // namespace v0
}  // namespace bide
