// SPDX-License-Identifier: BSL-1.0
//
// What when_all_settled, first_success and race return: an awaitable that owns the items; its awaiter, which owns the
// branches while they run (branch.hpp); and the making of the result. when_all uses parts of it (forked.hpp).
#pragma once

#include <bide/detail/base/std_parts.hpp>
#include <bide/detail/combine/branch.hpp>
#include <bide/detail/combine/element.hpp>
#include <bide/detail/guard/item_task.hpp>
#include <bide/detail/kernel/frame.hpp>
#include <bide/detail/pool/fork.hpp>
#include <bide/detail/pool/fork_stack.hpp>
#include <bide/future.hpp>
#include <bide/settled.hpp>

#include <optional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace bide {
inline namespace v0 {

namespace detail {

// ---- items ----------------------------------------------------------------------------------------------------------

template <class R>
concept range_of_items =
    !awaitable<R> && std::ranges::input_range<R> &&
    (awaitable<std::ranges::range_reference_t<R>> || awaitable<std::ranges::range_rvalue_reference_t<R>>);

[[noreturn]] void throw_nothing_to_race(const char* what);
[[nodiscard]] task<> nothing_to_race(const char* what);  // throws the same; its type is for the caller's return

// ---- branches -------------------------------------------------------------------------------------------------------

/// From what branch_at makes its branch, in place.
struct branch_seed {
    branch_group* group;
    promise_base* cold;
    std::source_location where;
    branch_seed(branch_group& g, promise_base* c, const std::source_location& w) noexcept
        : group(&g), cold(c), where(w) {}
};
template <class T, std::size_t I>
struct branch_at {
    branch<T> item;
    explicit branch_at(const branch_seed& s) noexcept : item(*s.group, s.cold, s.where) {}
};

template <class Index, class... T>
class indexed_branches;
template <std::size_t... I, class... T>
class indexed_branches<std::index_sequence<I...>, T...> : public branch_group, branch_at<T, I>... {
public:
    using tasks = std::tuple<task<T>...>;

    indexed_branches(completion_rule rule, tasks&& items, const std::source_location& where) noexcept
        : branch_group(rule), branch_at<T, I>(branch_seed(*this, std::get<I>(items).release(), where))... {}

    indexed_branches(completion_rule rule, promise_base* const (&cold)[sizeof...(T)],
                     const std::source_location& where) noexcept
        : branch_group(rule), branch_at<T, I>(branch_seed(*this, cold[I], where))... {}

    static void check(const tasks& items, const std::source_location& where) {
        ((std::get<I>(items) ? void() : throw_empty_task(where)), ...);
    }

    /// Calls f with every branch.
    template <class F>
    auto apply(F f) {
        return f(static_cast<branch_at<T, I>&>(*this).item...);
    }
};
template <class... T>
using fixed_branches = indexed_branches<std::index_sequence_for<T...>, T...>;

/// Memory for `room` branches. The branches are made in it one after the other, and never move.
template <class T>
class branch_row {
public:
    explicit branch_row(std::size_t room) : first_(std::allocator<branch<T>>().allocate(room)), room_(room) {}
    branch_row(const branch_row&) = delete;
    branch_row& operator=(const branch_row&) = delete;
    ~branch_row() {
        while (size_ != 0) std::destroy_at(first_ + --size_);
        std::allocator<branch<T>>().deallocate(first_, room_);
    }
    template <class... A>
    void emplace_back(A&&... args) {
        std::construct_at(first_ + size_, std::forward<A>(args)...);
        ++size_;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] branch<T>& operator[](std::size_t i) noexcept { return first_[i]; }
    [[nodiscard]] branch<T>* begin() noexcept { return first_; }
    [[nodiscard]] branch<T>* end() noexcept { return first_ + size_; }

private:
    branch<T>* first_;
    std::size_t room_;
    std::size_t size_ = 0;
};

template <class T>
class range_branches : public branch_group {
public:
    using tasks = std::vector<task<T>>;

    range_branches(completion_rule rule, tasks&& items, const std::source_location& where)
        : branch_group(rule), all_(items.size()) {
        for (task<T>& t : items) all_.emplace_back(*this, lazily_released(t, where), where);
    }
    static void check(const tasks& items, const std::source_location& where) {
        for (const task<T>& t : items)
            if (!t) throw_empty_task(where);
    }
    [[nodiscard]] branch_row<T>& all() noexcept { return all_; }

private:
    /// Takes the frame from its task when the branch is constructed, not before: if memory runs out, the task still
    /// owns it.
    class lazily_released {
    public:
        lazily_released(task<T>& t, const std::source_location& w) noexcept : from_(t), where_(w) {}
        operator promise_base*() const { return from_.release(where_); }  // NOLINT(google-explicit-constructor)

    private:
        task<T>& from_;
        const std::source_location& where_;
    };
    branch_row<T> all_;
};

// ---- results --------------------------------------------------------------------------------------------------------

template <class T>
decltype(auto) take_element(branch<T>& c) {
    if constexpr (std::is_void_v<T>) {
        c.take();
        return std::monostate();
    } else {
        return c.take();
    }
}
template <class T>
settled<T> make_settled(branch<T>& c) {
    if (c.how() == outcome::failed) {
        std::exception_ptr e = c.take_failure();
        if (!is_cancelled(e)) return settled<T>(std::move(e));
        try {
            std::rethrow_exception(std::move(e));
        } catch (const cancelled& by) {
            return settled<T>(by.reason());
        }
    }
    if (c.how() == outcome::stopped) return settled<T>(c.why_stopped());
    if constexpr (std::is_void_v<T>) {
        c.take();
        return settled<T>(std::in_place_index<0>);
    } else {
        return settled<T>(std::in_place_index<0>, c.take());
    }
}
template <class T>
[[noreturn]] void throw_failure(branch<T>& c) {
    std::rethrow_exception(c.take_failure());
}

template <class T, class... Rest>
inline constexpr bool all_same = (std::is_same_v<T, Rest> && ...);
template <class... T>
struct winner;
template <class T, class... Rest>
struct winner<T, Rest...> {
    using type = std::conditional_t<all_same<T, Rest...>, T, std::variant<element_t<T>, element_t<Rest>...>>;
};

template <completion_rule Rule, class... T>
class fixed_awaiter : public fixed_branches<T...> {
public:
    fixed_awaiter(promise_base& p, completion_rule rule, std::tuple<task<T>...>&& items) noexcept
        : fixed_branches<T...>(rule, std::move(items), p.where), p_(p) {}

    [[nodiscard]] bool await_ready() const noexcept { return this->empty(); }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept {
        this->start(p_);
        return true;
    }
    auto await_resume() {
        if constexpr (Rule == completion_rule::settled) {
            return this->apply([](branch<T>&... c) { return std::tuple<settled<T>...>(make_settled(c)...); });
        } else if constexpr (Rule == completion_rule::all) {
            if (branch_base* failed = this->decisive()) std::rethrow_exception(failed->take_failure());
            return this->apply([](branch<T>&... c) {
                return std::tuple<std::conditional_t<std::is_void_v<T>, std::monostate, T>...>(take_element(c)...);
            });
        } else {
            return win();
        }
    }

private:
    promise_base& p_;
    using won = typename std::conditional_t<sizeof...(T) == 0, std::type_identity<void>, winner<T...>>::type;
    decltype(auto) win() {
        branch_base* const by = this->decisive();
        if (by->how() == outcome::failed) std::rethrow_exception(by->take_failure());
        return this->apply([by](branch<T>&... c) -> won { return take_winner<0>(by->index(), c...); });
    }
    template <std::size_t I, class U, class... Rest>
    static won take_winner(std::size_t index, branch<U>& c, Rest&... rest) {
        if constexpr (all_same<T...>) {
            if constexpr (sizeof...(Rest) != 0)
                if (index != I) return take_winner<I + 1>(index, rest...);
            return c.take();
        } else {
            if constexpr (sizeof...(Rest) != 0)
                if (index != I) return take_winner<I + 1>(index, rest...);
            return won(std::in_place_index<I>, take_element(c));
        }
    }
};

template <completion_rule Rule, class T>
class range_awaiter : public range_branches<T> {
public:
    range_awaiter(promise_base& p, completion_rule rule, std::vector<task<T>>&& items)
        : range_branches<T>(rule, std::move(items), p.where), p_(p) {}

    [[nodiscard]] bool await_ready() const noexcept { return this->empty(); }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept {
        this->start(p_);
        return true;
    }
    decltype(auto) await_resume() {
        if constexpr (Rule == completion_rule::settled) {
            std::vector<settled<T>> outcomes;
            outcomes.reserve(this->all().size());
            for (branch<T>& c : this->all()) outcomes.push_back(make_settled(c));
            return outcomes;
        } else if constexpr (Rule == completion_rule::all) {
            if (branch_base* failed = this->decisive()) std::rethrow_exception(failed->take_failure());
            std::vector<element_t<T>> values;
            values.reserve(this->all().size());
            for (branch<T>& c : this->all()) values.push_back(take_element(c));
            return values;
        } else {
            branch_base* const by = this->decisive();
            if (by->how() == outcome::failed) std::rethrow_exception(by->take_failure());
            return this->all()[by->index()].take();
        }
    }

private:
    promise_base& p_;
};

// ---- what the user holds --------------------------------------------------------------------------------------------

template <class Awaiter, completion_rule Rule>
class [[nodiscard("the items run only when they are awaited or waited for")]] combined {
public:
    using awaited_once = void;
    explicit combined(typename Awaiter::tasks items) : items_(std::move(items)) {}

    /// Blocks until the result is decided and every task among the items has ended. See wait.hpp.
    auto wait(std::source_location where = std::source_location::current())
        -> decltype(std::declval<Awaiter&>().await_resume()) {
        return as_task(std::move(*this)).wait(where);
    }

    // Internal.
    [[nodiscard]] Awaiter native_awaiter(promise_base& p) {
        Awaiter::check(items_, p.where);
        return Awaiter(p, Rule, std::move(items_));
    }

private:
    typename Awaiter::tasks items_;
};

template <completion_rule Rule, class... A>
auto combine(A&&... items) {
    using awaiter = fixed_awaiter<Rule, item_result_t<A>...>;
    return combined<awaiter, Rule>(typename awaiter::tasks(item_task(std::forward<A>(items))...));
}

template <class R>
auto tasks_of_range(R&& items) {  // NOLINT(cppcoreguidelines-missing-std-forward): element by element, below
    // A container that was moved in gives its elements as rvalues; a view gives what its reference type says.
    constexpr bool hand_over = !std::is_lvalue_reference_v<R> && !std::ranges::view<std::remove_cvref_t<R>>;
    using reference =
        std::conditional_t<hand_over, std::ranges::range_rvalue_reference_t<R>, std::ranges::range_reference_t<R>>;
    using all = std::vector<task<item_result_t<reference>>>;
    if constexpr (hand_over && std::is_same_v<R, all>) return all(std::forward<R>(items));
    all tasks;
    if constexpr (std::ranges::sized_range<R>) tasks.reserve(static_cast<std::size_t>(std::ranges::size(items)));
    for (auto it = std::ranges::begin(items); it != std::ranges::end(items); ++it)
        tasks.push_back(item_task(static_cast<reference>(*it)));
    return tasks;
}

template <completion_rule Rule, class R>
auto combine_range(R&& items) {
    auto tasks = tasks_of_range(std::forward<R>(items));
    using T = typename decltype(tasks)::value_type::value_type;
    if (Rule == completion_rule::race || Rule == completion_rule::first_success)
        if (tasks.empty()) throw_nothing_to_race(to_string(kind_of(Rule)));
    return combined<range_awaiter<Rule, T>, Rule>(std::move(tasks));
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
