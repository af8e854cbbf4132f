// SPDX-License-Identifier: BSL-1.0
//
// What a node that calls something keeps, and how the code that runs it, which knows no types, reaches its result.
#pragma once

#include <bide/detail/future/future_state.hpp>

#include <exception>
#include <tuple>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

/// A callable and its arguments. Whoever has it drops them, once. A node does so before it publishes its result, while
/// somebody's reference holds it; its destructor does when there is no result, which is to say that it was refused.
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

/// Adds to Base (a node) what its running code asks of the result. Derived has it: `slot<T> result`. Between the node and
/// its callable stands a class for each T, and the functions here are compiled once for each T: a program has few types
/// of results, and as many types of callables as it starts things.
template <class Derived, class Base>
class with_result : public Base {
protected:
    using Base::Base;
    ~with_result() = default;

    [[nodiscard]] slot_base& slot_of() noexcept final { return self().result; }
    void set_failure(std::exception_ptr e) noexcept final { self().result.fail(std::move(e)); }
    void drop_failure() noexcept final {
        self().result.drop();
        self().result.state = outcome::stopped;
    }
    [[nodiscard]] bool failed_with_cancelled() noexcept final { return is_cancelled(self().result.error); }

private:
    [[nodiscard]] Derived& self() noexcept { return static_cast<Derived&>(*this); }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
