// SPDX-License-Identifier: BSL-1.0
//
// held_call and with_result: two parts of a node that calls something (a started task, a job on a thread): what the
// node keeps until its call has ended, and how the code that runs nodes, which knows no types, reaches the result.
#pragma once

#include <bide/detail/future/future_state.hpp>

#include <exception>
#include <tuple>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// A callable and its arguments, which the node that has them drops once, by drop(). A node with a result drops them
/// before it publishes the result, while a reference keeps the node alive. The destructor of a node without a result
/// drops them: its owner had refused the node.
template <class F, class... A>
class held_call {
public:
    using parts = std::tuple<F, A...>;

    template <class G, class... B>
    explicit held_call(std::in_place_t, G&& f, B&&... args) : parts_(std::forward<G>(f), std::forward<B>(args)...) {}
    held_call(const held_call&) = delete;
    held_call& operator=(const held_call&) = delete;
    ~held_call() {}  // NOLINT(modernize-use-equals-default): the union's member is destroyed by drop()

    [[nodiscard]] parts& get() noexcept { return parts_; }
    void drop() noexcept { parts_.~parts(); }

private:
    union {
        parts parts_;
    };
};

/// Adds to Base (a node) the functions by which the code that runs it writes the result; Derived has that: `slot<T>
/// result`. Derived is one class for each T, below the class for each type of callable. So these functions are compiled
/// once for each T: a program has few types of results, and a type of callable for each place that starts something.
template <class Derived, class Base>
class with_result : public Base {
protected:
    using Base::Base;
    ~with_result() = default;

    [[nodiscard]] slot_base& slot_of() noexcept final { return self().result; }
    void set_failure(std::exception_ptr e) noexcept final { self().result.fail(std::move(e)); }
    void settle() noexcept final { self().result.settle(this->stop); }

private:
    [[nodiscard]] Derived& self() noexcept { return static_cast<Derived&>(*this); }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
