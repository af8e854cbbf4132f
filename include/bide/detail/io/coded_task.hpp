// SPDX-License-Identifier: BSL-1.0
//
// coded_task: an operation that is a task of a code and a value. Awaited as it is, it throws the code; as_result() gets
// the task itself. It costs no frame: the awaiter is the task's slot.
//
// Thread rule and lifetime rule: as a task's.
#pragma once

#include <bide/as_result.hpp>
#include <bide/detail/kernel/as_task.hpp>
#include <bide/detail/kernel/slot.hpp>
#include <bide/task.hpp>

#include <cstddef>
#include <memory>
#include <source_location>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// The beginning of the exception's text. An operation that knows it only at its end shares it with its task.
using shared_text = std::shared_ptr<std::string>;
inline const char* text_in(const char* what) noexcept { return what; }
inline const char* text_in(const std::string& what) noexcept { return what.c_str(); }
inline const char* text_in(const shared_text& what) noexcept { return what->c_str(); }

template <class T, class What, class Coded>
class throwing_slot final : public slot<Coded> {
public:
    throwing_slot(promise_base* cold, promise_base& awaiting, What what) noexcept
        : slot<Coded>(cold, awaiting), what_(std::move(what)) {}
    T await_resume() {
        Coded got = slot<Coded>::take();
        if constexpr (std::is_same_v<Coded, std::error_code>) {
            if (got) throw std::system_error(got, text_in(what_));
        } else {
            if (got.error) throw std::system_error(got.error, text_in(what_));
            if constexpr (!std::is_void_v<T>) return std::move(got.value);
        }
    }

private:
    What what_;
};

template <class T>
struct coded_type {
    using type = result<T>;
};
template <>
struct coded_type<void> {
    using type = std::error_code;
};

template <class T, class What = const char*, class Coded = typename coded_type<T>::type>
class [[nodiscard("co_await it or call .wait()")]] coded_task {
public:
    using awaited_once = void;
    coded_task(task<Coded> op, What what) noexcept : op_(std::move(op)), what_(std::move(what)) {}

    [[nodiscard]] throwing_slot<T, What, Coded> native_awaiter(promise_base& p) {
        return throwing_slot<T, What, Coded>(op_.release(p.where), p, std::move(what_));
    }
    [[nodiscard]] task<Coded> coded() && noexcept { return std::move(op_); }
    /// As a plain task, for lists of tasks and for functions that return one. It costs a frame more.
    operator task<T>() && { return as_task(std::move(*this)); }  // NOLINT(google-explicit-constructor)
    T wait(std::source_location where = std::source_location::current()) {
        return as_task(std::move(*this)).wait(where);
    }

private:
    task<Coded> op_;
    What what_;
};

/// It has no value; as_result() gives how many bytes were moved.
using coded_transfer = coded_task<void, const char*, result<std::size_t>>;

}  // namespace detail
}  // namespace v0
}  // namespace bide
