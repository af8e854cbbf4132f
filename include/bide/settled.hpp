// SPDX-License-Identifier: BSL-1.0
//
// settled<T>: how one item of when_all_settled ended. It holds a value, a failure, or the reason why the item was
// stopped.
//
//     auto [page, size] = co_await bide::when_all_settled(fetch(url), measure(file));
//     if (page) show(page.value());
//     else if (page.error()) std::cerr << bide::describe(page.error());
//     else std::cerr << "fetch was cancelled";
//
// T is the type of the item's result: for void, value() returns nothing; for a reference, value() returns the
// reference.
//
// Thread rule: a settled<T> is a value. Several threads may read one object, as they may read one T.
// Lifetime rule: it owns the value and the failure. A settled<T&> refers to an object that has to outlive it.
// Cancellation: a settled<T> waits for nothing. A failure that it holds is answered: the unhandled-error hook does not
//   get that failure, also when nobody reads it.
// Destructor: destroys the value or the failure.
// Errors: value() throws the failure, or `cancelled` with the reason of the stop.
#pragma once

#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/combine/element.hpp>
#include <bide/error.hpp>
#include <bide/future_status.hpp>

#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace bide {
inline namespace v0 {

template <class T>
class settled {
public:
    using value_type = T;

    /// Returns succeeded, failed or cancelled; never pending.
    [[nodiscard]] future_status status() const noexcept {
        return outcome_.index() == 0   ? future_status::succeeded
               : outcome_.index() == 1 ? future_status::failed
                                       : future_status::cancelled;
    }
    /// Returns true if the item gave a value.
    [[nodiscard]] bool has_value() const noexcept { return outcome_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// Returns the value, or throws the failure or `cancelled`.
    decltype(auto) value() const& {
        need_value();
        if constexpr (std::is_void_v<T>)
            return;
        else if constexpr (std::is_reference_v<T>)
            return static_cast<T>(std::get<0>(outcome_).get());
        else
            return static_cast<const T&>(std::get<0>(outcome_));
    }
    /// The same; moves the value out.
    T value() && {
        need_value();
        if constexpr (std::is_void_v<T>)
            return;
        else if constexpr (std::is_reference_v<T>)
            return static_cast<T>(std::get<0>(outcome_).get());
        else
            return std::get<0>(std::move(outcome_));
    }
    /// Returns the failure; null if the item gave a value or was cancelled.
    [[nodiscard]] std::exception_ptr error() const noexcept {
        return outcome_.index() == 1 ? std::get<1>(outcome_) : std::exception_ptr();
    }

    // Internal: made by when_all_settled.
    template <class... A>
    explicit settled(std::in_place_index_t<0> as, A&&... value) : outcome_(as, std::forward<A>(value)...) {}
    explicit settled(std::exception_ptr error) noexcept : outcome_(std::in_place_index<1>, std::move(error)) {}
    explicit settled(stop_reason why) noexcept : outcome_(std::in_place_index<2>, why) {}

private:
    void need_value() const {
        if (outcome_.index() == 1) std::rethrow_exception(std::get<1>(outcome_));
        if (outcome_.index() == 2) throw cancelled(std::get<2>(outcome_));
    }
    std::variant<detail::element_t<T>, std::exception_ptr, stop_reason> outcome_;
};

}  // namespace v0
}  // namespace bide
