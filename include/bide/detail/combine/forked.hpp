// SPDX-License-Identifier: BSL-1.0
//
// The awaiter of when_all over a fixed number of items. It holds a slot for each child. On a worker of a pool the
// children are forks (fork.hpp). Elsewhere they are branches from the beginning (branch.hpp), in a block beside the
// awaiting frame.
#pragma once

#include <bide/detail/base/compiler.hpp>
#include <bide/detail/combine/combined.hpp>

#include <array>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

template <class T, std::size_t I>
struct fork_place {
    slot<T> of;
    explicit fork_place(promise_base* cold) noexcept : of(cold) {}
};

/// Branches in a block of memory of their own. The group frees the block if the awaiting frame is to be unwound; else
/// the awaiter frees it when it has taken the results.
template <class Branches>
class heap_branches final : public Branches {
public:
    template <class... A>
    explicit heap_branches(A&&... from) : Branches(completion_rule::all, std::forward<A>(from)...) {
        this->set_deleter([](branch_group* self) noexcept { delete static_cast<heap_branches*>(self); });
    }
    using Branches::decisive;
    static void* operator new(std::size_t n) { return node_alloc(n); }
    static void operator delete(void* block, std::size_t n) noexcept { frame_free(block, n); }
};

template <class Index, class... T>
class forked_awaiter;
template <std::size_t... I, class... T>
class forked_awaiter<std::index_sequence<I...>, T...> final : public fork_group, fork_place<T, I>... {
    static constexpr std::uint32_t n = sizeof...(T);
    // If true, the destructor has no values to drop. Values lie in their slots while the last child runs as a part of
    // the awaiting chain, and that chain may be unwound.
    static constexpr bool plain = (std::is_trivially_destructible_v<typename slot<T>::stored> && ...);
    using result = std::tuple<std::conditional_t<std::is_void_v<T>, std::monostate, T>...>;
    using block = heap_branches<fixed_branches<T...>>;

public:
    using tasks = std::tuple<task<T>...>;

    forked_awaiter(promise_base& p, tasks&& items) noexcept
        : fork_group(p), fork_place<T, I>(std::get<I>(items).release())... {}
    ~forked_awaiter() {
        if constexpr (!plain)
            if (held_) drop_values();
    }
    static void check(const tasks& items, const std::source_location& where) {
        ((std::get<I>(items) ? void() : throw_empty_task(where)), ...);
    }

    [[nodiscard]] bool await_ready() const noexcept { return n == 0; }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) {
        if constexpr (n == 0) {
            return false;
        } else {
            return fork<0>();
        }
    }
    result await_resume() {
        if constexpr (n == 0) {
            return {};
        } else {
            if (apart_ != nullptr) return take_apart();
            if ((static_cast<unsigned>(here<I>().state) | ...) != 0) [[unlikely]]
                std::rethrow_exception(take_failure());
            held_ = false;
            return result(take_here<T>(here<I>())...);
        }
    }

private:
    template <std::size_t K>
    auto& here() noexcept {
        return static_cast<fork_place<std::tuple_element_t<K, std::tuple<T...>>, K>&>(*this).of;
    }
    template <class U>
    static decltype(auto) take_here(slot<U>& s) {
        if constexpr (std::is_void_v<U>) {
            s.take();
            return std::monostate();
        } else if constexpr (std::is_integral_v<U> || std::is_enum_v<U> || std::is_pointer_v<U>) {
            return through_register(s.take());
        } else {
            return s.take();
        }
    }

    template <std::uint32_t K>
    bool fork() {
        slot_base& s = here<K>();
        if constexpr (n == 1) {
            const fork_stack* const forks = tls().forks;
            if (forks == nullptr || &forks->where() != awaiting->ctx->ex) return start_apart();
        }
        if constexpr (K + 1 == n) {
            if constexpr (!plain && n > 1) held_ = true;
            return start_nested(s.prepare(awaiting, awaiting->ctx, attached));
        } else {
            next = K + 1;
            const fork_step how = K == 0 ? fork_first(*this, s, n) : fork_nested(*this, s, n - K);
            if (how == fork_step::next) [[likely]]
                return fork<K + 1>();
            if (how == fork_step::elsewhere) return start_apart();
            if (how == fork_step::no_memory) give_up(K);
            return how == fork_step::suspended;
        }
    }
    [[noreturn, gnu::noinline, gnu::cold]] void give_up(std::uint32_t from) {
        never_begin(from);
        drop_values();
        throw std::bad_alloc();
    }
    [[gnu::noinline]] bool start_apart() {
        promise_base* cold[n] = {here<I>().child...};
        try {
            apart_ = new block(cold, awaiting->where);
        } catch (...) {
            (destroy_cold(here<I>().child), ...);
            throw;
        }
        apart_->start(*awaiting);
        return true;
    }
    [[gnu::noinline]] result take_apart() {
        struct freed {
            block* b;
            ~freed() { delete b; }
        } const at_end{std::exchange(apart_, nullptr)};
        if (branch_base* const failed = at_end.b->decisive()) std::rethrow_exception(failed->take_failure());
        return at_end.b->apply([](branch<T>&... c) { return result(take_element(c)...); });
    }

    [[nodiscard]] std::uint32_t count() const noexcept override { return n; }
    [[nodiscard]] slot_base& at(std::uint32_t index) noexcept override {
        slot_base* found = nullptr;
        static_cast<void>(((I == index && (found = &here<I>()) != nullptr) || ...));
        return *found;
    }
    void drop(std::uint32_t index) noexcept override {
        static_cast<void>(((I == index && (here<I>().drop(), true)) || ...));
    }
    void settle(std::uint32_t index, const stop_state& asked) noexcept override {
        static_cast<void>(((I == index && (here<I>().settle_as_branch(asked), true)) || ...));
    }
    [[nodiscard]] std::exception_ptr take_error(std::uint32_t index) noexcept override {
        std::exception_ptr e;
        static_cast<void>(((I == index && (e = here<I>().take_error(), true)) || ...));
        return e;
    }

    block* apart_ = nullptr;
    bool held_ = false;
};

/// What when_all(items…) returns.
template <class... T>
class [[nodiscard("the items run only when they are awaited or waited for")]] all_of {
    using awaiter = forked_awaiter<std::index_sequence_for<T...>, T...>;

public:
    using awaited_once = void;
    explicit all_of(std::tuple<task<T>...> items) noexcept : items_(std::move(items)) {}

    /// Blocks until every item has ended. See wait.hpp.
    auto wait(std::source_location where = std::source_location::current())
        -> decltype(std::declval<awaiter&>().await_resume()) {
        return as_task(std::move(*this)).wait(where);
    }

    // Internal.
    [[nodiscard]] awaiter native_awaiter(promise_base& p) {
        awaiter::check(items_, p.where);
        return awaiter(p, std::move(items_));
    }

private:
    std::tuple<task<T>...> items_;
};

template <class... A>
auto fork_all(A&&... items) {
    return all_of<item_result_t<A>...>(std::tuple<task<item_result_t<A>>...>(item_task(std::forward<A>(items))...));
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
