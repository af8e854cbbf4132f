// SPDX-License-Identifier: BSL-1.0
//
// The machinery of parallel() and serial() (builders.hpp): a callable with its arguments, and the coroutines that run
// several. parallel runs them in a scope: the first failure cancels the others, and is thrown when all have ended.
// serial awaits one after the other.
#pragma once

#include <bide/call.hpp>
#include <bide/detail/base/counted_ptr.hpp>
#include <bide/detail/base/std_parts.hpp>
#include <bide/scope.hpp>
#include <bide/task.hpp>

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

enum class composition { parallel, serial };

template <class T>
using unvoid_t = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// A callable and its arguments. The const call copies them into the task, so it may be repeated; the rvalue call moves
/// them.
template <class F, class... A>
class bound_call {
public:
    using result = typename decltype(run(std::declval<F>(), std::declval<A>()...))::value_type;

    template <class G, class... B>
    explicit bound_call(std::in_place_t, G&& f, B&&... args) : held_(std::forward<G>(f), std::forward<B>(args)...) {}

    [[nodiscard]] task<result> operator()() const& {
        return std::apply([](const F& f, const A&... args) { return run(f, args...); }, held_);
    }
    [[nodiscard]] task<result> operator()() && {
        return std::apply([](F& f, A&... args) { return run(std::move(f), std::move(args)...); }, held_);
    }

private:
    std::tuple<F, A...> held_;
};

/// Moves the value out of a future that has succeeded; void becomes monostate.
template <class T>
unvoid_t<T> take_value(future<T>& f) {
    if constexpr (std::is_void_v<T>) {
        std::move(f).value();
        return {};
    } else {
        return std::move(f).value();
    }
}

template <class... Call>
task<std::tuple<unvoid_t<typename Call::result>...>> run_concurrently(std::tuple<Call...> calls) {
    std::tuple<future<typename Call::result>...> results;
    auto body = [&](scope& s) -> task<> {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            ((std::get<I>(results) = s.start(std::move(std::get<I>(calls)))), ...);
        }(std::index_sequence_for<Call...>());
        co_return;
    };
    co_await with_scope(body);
    co_return std::apply([](auto&... f) { return std::tuple<unvoid_t<typename Call::result>...>(take_value(f)...); },
                         results);
}

template <std::size_t I, class Calls, class Results>
task<> run_from(Calls& calls, Results& results) {
    if constexpr (I < std::tuple_size_v<Calls>) {
        auto step = std::move(std::get<I>(calls))();
        if constexpr (std::is_same_v<decltype(step), task<void>>) {
            co_await std::move(step);
            std::get<I>(results).emplace();
        } else if constexpr (std::is_reference_v<typename decltype(step)::value_type>) {
            std::get<I>(results).emplace(co_await std::move(step));
        } else {
            auto value = co_await std::move(step);
            std::get<I>(results).emplace(std::move(value));
        }
        co_await run_from<I + 1>(calls, results);
    }
}

/// How serial stores the result of a step until all steps have ended.
template <class T>
using kept_t =
    std::conditional_t<std::is_reference_v<T>, std::reference_wrapper<std::remove_reference_t<T>>, unvoid_t<T>>;

template <class... Call>
task<std::tuple<unvoid_t<typename Call::result>...>> run_in_turn(std::tuple<Call...> calls) {
    std::tuple<std::optional<kept_t<typename Call::result>>...> results;
    co_await run_from<0>(calls, results);
    co_return std::apply([](auto&... r) { return std::tuple<unvoid_t<typename Call::result>...>(std::move(*r)...); },
                         results);
}

template <composition Kind, class... Call>
auto run_calls(std::tuple<Call...> calls) {
    if constexpr (Kind == composition::parallel)
        return run_concurrently<Call...>(std::move(calls));
    else
        return run_in_turn<Call...>(std::move(calls));
}

// ---- lists --------------------------------------------------------------------------------------------------------

template <class T>
struct any_call : counted {
    [[nodiscard]] virtual task<T> operator()() const = 0;
    virtual ~any_call() = default;
};
template <class T>
using call_list = std::vector<counted_ptr<const any_call<T>>>;

template <class T, class R>
task<T> converted(task<R> from) {
    if constexpr (std::is_void_v<T>) {
        co_await std::move(from);
    } else {
        co_return static_cast<T>(co_await std::move(from));
    }
}

template <class T, class Call>
class listed_call final : public any_call<T> {
    static_assert(std::is_void_v<T> || std::is_convertible_v<typename Call::result, T>,
                  "bide: this call's result is not convertible to the T of parallel<T> or serial<T>");

public:
    explicit listed_call(Call call) : call_(std::move(call)) {}
    [[nodiscard]] task<T> operator()() const override {
        if constexpr (std::is_same_v<typename Call::result, T>)
            return call_();
        else
            return converted<T>(call_());
    }

private:
    Call call_;
};

template <class T>
task<T> call_listed(counted_ptr<const any_call<T>> call) {
    return (*call)();
}

template <class T>
task<std::vector<unvoid_t<T>>> run_listed_parallel(call_list<T> calls) {
    std::vector<future<T>> results;
    results.reserve(calls.size());
    auto body = [&](scope& s) -> task<> {
        for (const auto& call : calls) results.push_back(s.start(&call_listed<T>, call));
        co_return;
    };
    co_await with_scope(body);
    std::vector<unvoid_t<T>> values;
    values.reserve(results.size());
    for (future<T>& f : results) values.push_back(take_value(f));
    co_return values;
}

template <class T>
task<std::vector<unvoid_t<T>>> run_listed_serial(call_list<T> calls) {
    std::vector<unvoid_t<T>> values;
    values.reserve(calls.size());
    for (const auto& call : calls) {
        task<T> step = (*call)();
        if constexpr (std::is_void_v<T>) {
            co_await std::move(step);
            values.emplace_back();
        } else {
            T value = co_await std::move(step);
            values.push_back(std::move(value));
        }
    }
    co_return values;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
