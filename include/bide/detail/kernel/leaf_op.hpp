// SPDX-License-Identifier: BSL-1.0
//
// leaf_op: what an operation that is one leaf hands to the user until it is awaited. The operation has two forms: awaited
// as it is, it gives its value or throws; coded() gives the form that returns an error code, which as_result() asks for.
//
//     class op : public leaf_op<op, L> {
//     public:
//         template <class Awaiter>
//         Awaiter make(promise_base& p) const;    // Awaiter is derived from L, and has the constructors of L
//     };
//
// L is a leaf with finish(), which gives the value or throws, and finish_coded(), which gives a result<T> or a
// std::error_code. One of the two is called, in await_resume.
#pragma once

#include <bide/detail/kernel/as_task.hpp>
#include <bide/detail/kernel/leaf.hpp>

#include <source_location>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

template <class Leaf>
class plain_awaiter final : public Leaf {
public:
    using Leaf::Leaf;
    auto await_resume() { return Leaf::finish(); }
};

template <class Leaf>
class coded_awaiter final : public Leaf {
public:
    using Leaf::Leaf;
    auto await_resume() { return Leaf::finish_coded(); }
};

/// The form that returns an error code.
template <class Op>
class [[nodiscard("co_await it or call .wait()")]] coded_op {
public:
    explicit coded_op(Op op) noexcept : op_(std::move(op)) {}
    [[nodiscard]] coded_awaiter<typename Op::leaf_type> native_awaiter(promise_base& p) const {
        return op_.template make<coded_awaiter<typename Op::leaf_type>>(p);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    Op op_;
};

template <class Op, class Leaf>
class leaf_op {
public:
    using leaf_type = Leaf;

    [[nodiscard]] plain_awaiter<Leaf> native_awaiter(promise_base& p) const {
        return self().template make<plain_awaiter<Leaf>>(p);
    }
    /// A copy, also of a temporary: an operation in a variable stays what it was, and may be awaited again.
    [[nodiscard]] coded_op<Op> coded() const { return coded_op<Op>(self()); }
    auto wait(std::source_location where = std::source_location::current()) const {
        return as_task(self()).wait(where);
    }

private:
    friend Op;
    leaf_op() noexcept = default;
    [[nodiscard]] const Op& self() const noexcept { return static_cast<const Op&>(*this); }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
