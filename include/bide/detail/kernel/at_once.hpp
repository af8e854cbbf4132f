// SPDX-License-Identifier: BSL-1.0
//
// at_once: an operation that never waits, where its like elsewhere may: shutdown() of a socket beside the closing
// handshake of TLS. It is a leaf like every other: it looks for a stop on entry, and spends a credit.
#pragma once

#include <bide/detail/kernel/as_task.hpp>
#include <bide/detail/kernel/leaf.hpp>

#include <source_location>
#include <system_error>

namespace bide {
inline namespace v0 {
namespace detail {

template <bool Try>
class at_once_awaiter final : public leaf_awaiter<at_once_awaiter<Try>> {
public:
    using function = std::error_code (*)(void* object) noexcept;

    at_once_awaiter(promise_base& p, const wait_kind& k, void* with, function f) noexcept
        : leaf_awaiter<at_once_awaiter<Try>>(p, k, with), with_(with), f_(f) {}
    at_once_awaiter(const at_once_awaiter&) = delete;
    at_once_awaiter& operator=(const at_once_awaiter&) = delete;

    [[nodiscard]] bool try_now() noexcept {
        error_ = f_(with_);
        return true;
    }
    [[nodiscard]] bool park() noexcept { return false; }
    auto await_resume() {
        this->completed();
        if constexpr (Try) {
            return error_;
        } else {
            if (error_) throw std::system_error(error_, this->kind->what);
        }
    }

private:
    void* with_;
    function f_;
    std::error_code error_;
};

template <bool Try>
class [[nodiscard("co_await it or call .wait()")]] at_once_op {
public:
    at_once_op(const wait_kind& k, void* object, typename at_once_awaiter<Try>::function f) noexcept
        : kind_(&k), object_(object), f_(f) {}
    [[nodiscard]] at_once_awaiter<Try> native_awaiter(promise_base& p) const noexcept {
        return at_once_awaiter<Try>(p, *kind_, object_, f_);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    const wait_kind* kind_;
    void* object_;
    typename at_once_awaiter<Try>::function f_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
