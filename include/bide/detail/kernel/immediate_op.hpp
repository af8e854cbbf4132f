// SPDX-License-Identifier: BSL-1.0
//
// immediate_op: an operation that never waits, of a kind that waits in other classes: shutdown() of a socket is
// immediate, while that of a TLS stream exchanges messages. It is a leaf all the same: it checks for a stop on entry,
// and spends a credit (L3).
#pragma once

#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/kernel/leaf_op.hpp>

#include <system_error>

namespace bide {
inline namespace v0 {
namespace detail {

class immediate_leaf : public leaf_awaiter<immediate_leaf> {
public:
    using function = std::error_code (*)(void* object) noexcept;

    immediate_leaf(promise_base& p, const wait_kind& k, void* with, function f) noexcept
        : leaf_awaiter(p, k, with), with_(with), f_(f) {}
    immediate_leaf(const immediate_leaf&) = delete;
    immediate_leaf& operator=(const immediate_leaf&) = delete;

    [[nodiscard]] bool try_now() noexcept {
        error_ = f_(with_);
        return true;
    }
    [[nodiscard]] bool park() noexcept { return false; }

protected:
    void finish() {
        completed();
        if (error_) throw std::system_error(error_, kind->what);
    }
    [[nodiscard]] std::error_code finish_coded() noexcept {
        completed();
        return error_;
    }

private:
    void* with_;
    function f_;
    std::error_code error_;
};

class [[nodiscard("co_await it or call .wait()")]] immediate_op : public leaf_op<immediate_op, immediate_leaf> {
public:
    immediate_op(const wait_kind& k, void* object, immediate_leaf::function f) noexcept
        : kind_(&k), object_(object), f_(f) {}
    template <class Awaiter>
    [[nodiscard]] Awaiter make(promise_base& p) const noexcept {
        return Awaiter(p, *kind_, object_, f_);
    }

private:
    const wait_kind* kind_;
    void* object_;
    immediate_leaf::function f_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
