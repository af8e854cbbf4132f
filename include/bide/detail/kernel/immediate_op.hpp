// SPDX-License-Identifier: BSL-1.0
//
// immediate_op: an operation that never waits, of a kind that waits in other classes: shutdown() of a socket is
// immediate, while that of a TLS stream exchanges messages. It is a leaf all the same: it checks for a stop on entry,
// and spends a credit (L3).
#pragma once

#include <bide/detail/kernel/as_task.hpp>
#include <bide/detail/kernel/leaf.hpp>

#include <source_location>
#include <system_error>

namespace bide {
inline namespace v0 {
namespace detail {

template <bool Try>
class immediate_awaiter final : public leaf_awaiter<immediate_awaiter<Try>> {
public:
    using function = std::error_code (*)(void* object) noexcept;

    immediate_awaiter(promise_base& p, const wait_kind& k, void* with, function f) noexcept
        : leaf_awaiter<immediate_awaiter<Try>>(p, k, with), with_(with), f_(f) {}
    immediate_awaiter(const immediate_awaiter&) = delete;
    immediate_awaiter& operator=(const immediate_awaiter&) = delete;

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
class [[nodiscard("co_await it or call .wait()")]] immediate_op {
public:
    immediate_op(const wait_kind& k, void* object, typename immediate_awaiter<Try>::function f) noexcept
        : kind_(&k), object_(object), f_(f) {}
    [[nodiscard]] immediate_awaiter<Try> native_awaiter(promise_base& p) const noexcept {
        return immediate_awaiter<Try>(p, *kind_, object_, f_);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    const wait_kind* kind_;
    void* object_;
    typename immediate_awaiter<Try>::function f_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
