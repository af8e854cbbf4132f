// SPDX-License-Identifier: BSL-1.0
//
// as_result.hpp: an operation whose error is returned as a code, and not thrown.
//
// An operation that the world can refuse (the network, the files) throws std::system_error. as_result(op) is the
// same operation with the error as a value, for errors that are a part of everyday work:
//
//     bide::result<std::size_t> got = co_await bide::as_result(stream.read_exactly(header));
//     if (got.error == bide::io_errc::end_of_stream) …                  // got.value bytes had arrived
//     if (std::error_code e = co_await bide::as_result(stream.finish())) …
//     auto peer = bide::as_result(bide::tcp_stream::connect(to)).wait();       // plain code, too
//
// It takes everything that can be awaited: a task, a future, an operation of bide's, an awaiter of yours. The exception
// is an operation whose value cannot be moved (enter() of a strand). What as_result gives for an operation with a value
// of type T is a result<T>; for one without a value it is a std::error_code, false if there was no error. read_exactly
// and write_all have no value and give a result<std::size_t> all the same: how many bytes arrived, or were handed over,
// before the error.
//
// Only std::system_error becomes a code. What else the operation throws passes on: timed_out and cancelled, usage_error,
// exceptions of your own.
//
// TRAP: a guard knows nothing of its operation's count. Write with_timeout(1s, as_result(s.read_exactly(b))), and not
// as_result(with_timeout(1s, s.read_exactly(b))), which is a std::error_code.
//
// An operation of a socket, a pipe, a memory_stream or a signal_set has a *coded form*, which throws nothing and needs
// no coroutine frame; those of TLS and of names throw nothing. A type of yours has one if it has a member coded(), which
// returns an awaitable of a result<T> or a std::error_code; as_result calls it on the operation as it was handed over, a
// temporary as an rvalue:
//
//     class my_read {
//     public:
//         my_awaiter operator co_await() &&;               // gives a std::size_t, or throws std::system_error
//         bide::task<bide::result<std::size_t>> coded() &&;
//     };
//
// For what has no such member, as_result makes a task that awaits the operation and catches its std::system_error.
//
// Thread rule: result is a value. as_result(op) is awaited as `op` is, once where `op` is awaited once (a task).
// Lifetime rule: an operation that is a temporary is moved into the awaitable. One in a variable is copied if it can be;
//   else the variable outlives the operation. The value of a future that stays with the caller is copied.
// Cancellation and destructor: those of the operation.
// Errors: of as_result itself none but std::bad_alloc.
#pragma once

#include <bide/awaitable.hpp>
#include <bide/detail/guard/item_task.hpp>
#include <bide/task.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

template <class T>
struct result_value {
    using type = std::optional<T>;
};
template <class T>
    requires std::default_initializable<T>
struct result_value<T> {
    using type = T;
};
template <class T>
struct result_value<T&> {
    using type = T*;
};
template <class T>
struct result_value<T&&> {
    using type = T*;
};

}  // namespace detail

/// What as_result(op) gives for an operation with a value.
template <class T>
class [[nodiscard]] result {
public:
    using value_type = T;
    /// T. For a T without a default constructor it is std::optional<T>, and for a reference a pointer: both empty if
    /// there is no value.
    using stored_type = typename detail::result_value<T>::type;

    std::error_code error;  ///< false if there was none
    /// What the operation gave. If there was an error: what the operation had achieved before, or T().
    stored_type value;

    result(std::error_code e, stored_type v) noexcept(std::is_nothrow_move_constructible_v<stored_type>)
        : error(e), value(std::move(v)) {}
    [[nodiscard]] bool ok() const noexcept { return !error; }
};

namespace detail {

template <class R>
struct is_coded : std::is_same<R, std::error_code> {};
template <class T>
struct is_coded<result<T>> : std::true_type {};

template <class A>
concept has_coded_form = requires(A&& op) {
    { std::forward<A>(op).coded() } -> awaitable;
} && is_coded<std::remove_cvref_t<await_result_t<decltype(std::declval<A>().coded())>>>::value;

template <class T>
task<result<T>> catch_code(task<T> op) {
    std::error_code error;
    try {
        if constexpr (std::is_reference_v<T>) {
            T value = co_await std::move(op);
            co_return result<T>(error, std::addressof(value));
        } else {
            T value = co_await std::move(op);
            co_return result<T>(error, std::move(value));
        }
    } catch (const std::system_error& e) {
        error = e.code();
    }
    co_return result<T>(error, typename result<T>::stored_type());
}
template <class T>
    requires std::is_void_v<T>
task<std::error_code> catch_code(task<T> op) {
    std::error_code error;
    try {
        co_await std::move(op);
    } catch (const std::system_error& e) {
        error = e.code();
    }
    co_return error;
}

}  // namespace detail

/// The operation with its error as a code: an awaitable, which has wait().
template <awaitable A>
[[nodiscard]] auto as_result(A&& op) {
    if constexpr (detail::has_coded_form<A>)
        return std::forward<A>(op).coded();
    else {
        using T = detail::item_result_t<A>;
        static_assert(std::is_void_v<T> || std::is_reference_v<T> || std::is_move_constructible_v<T>,
                      "bide: as_result: the value of this operation cannot be moved (the guard of a strand). Await it "
                      "without as_result; it gives no error code");
        return detail::catch_code<T>(detail::item_task(std::forward<A>(op)));
    }
}

}  // namespace v0
}  // namespace bide
