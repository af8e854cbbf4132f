// SPDX-License-Identifier: BSL-1.0
//
// builders.hpp: put calls together first, run them later, as often as you like.
//
//     auto both = bide::parallel().add(fetch, url).add(read_file, path);   // async and blocking functions mixed
//     auto [page, text] = both.wait();                                     // or: co_await both.run()
//     auto steps = bide::serial().add(connect, host).add(both);            // they nest
//
//     auto all = bide::parallel<int>();                                    // grows at run time, gives a vector
//     for (auto& url : urls) all.add(fetch_size, url);
//     std::vector<int> sizes = all.wait();
//
// parallel: everything at once, the results in the order of add; it takes as long as the longest. The first error in
//   time is thrown when nothing of that run is alive any more. serial: one after the other; the first error ends it,
//   what comes later never starts. A void result is std::monostate. Blocking functions run on threads (see call.hpp:
//   run).
//
// A builder is a value: the callables and arguments are copied into it, and copied again for each run, so it may run
// again, and be extended between runs. With arguments that cannot be copied it runs once: std::move(builder).run().
//
// Thread rule: as for every value; runs of one builder may overlap.
// Lifetime rule: a run holds what it needs; what arguments refer to must outlive it.
// Cancellation: stopping the task that awaits run() stops and joins what runs.
#pragma once

#include <bide/call.hpp>
#include <bide/detail/base/counted_ptr.hpp>
#include <bide/detail/combine/builder_calls.hpp>
#include <bide/scope.hpp>
#include <bide/task.hpp>

#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {

/// Calls of different types; made by parallel() and serial().
template <detail::composition Kind, class... Call>
class composed {
public:
    using result_type = std::tuple<detail::unvoid_t<typename Call::result>...>;

    /// One more call; the builder with it.
    template <class F, class... A>
    [[nodiscard]] auto add(F&& f, A&&... args) const& {
        return composed(*this).extend(std::forward<F>(f), std::forward<A>(args)...);
    }
    template <class F, class... A>
    [[nodiscard]] auto add(F&& f, A&&... args) && {
        return std::move(*this).extend(std::forward<F>(f), std::forward<A>(args)...);
    }

    /// A task of all results, in the order of add.
    [[nodiscard]] task<result_type> run() const& {
        static_assert(
            (std::is_copy_constructible_v<Call> && ...),
            "bide: an argument of this composition cannot be copied, so it runs once: std::move(builder).run()");
        return detail::run_calls<Kind, Call...>(calls_);
    }
    [[nodiscard]] task<result_type> run() && { return detail::run_calls<Kind, Call...>(std::move(calls_)); }

    result_type wait(std::source_location where = std::source_location::current()) const& { return run().wait(where); }
    result_type wait(std::source_location where = std::source_location::current()) && {
        return std::move(*this).run().wait(where);
    }

    /// As a call of another composition.
    [[nodiscard]] task<result_type> operator()() const& { return run(); }
    [[nodiscard]] task<result_type> operator()() && { return std::move(*this).run(); }

    // Internal.
    composed() = default;
    explicit composed(std::tuple<Call...> calls) : calls_(std::move(calls)) {}

private:
    template <class F, class... A>
    auto extend(F&& f, A&&... args) && {
        using added = detail::bound_call<std::decay_t<F>, std::decay_t<A>...>;
        return composed<Kind, Call..., added>(std::tuple_cat(
            std::move(calls_), std::tuple<added>(added(std::in_place, std::forward<F>(f), std::forward<A>(args)...))));
    }
    std::tuple<Call...> calls_;
};

/// Any number of calls with results of one type; made by parallel<T>() and serial<T>().
template <detail::composition Kind, class T>
class composed_list {
public:
    using result_type = std::vector<detail::unvoid_t<T>>;

    composed_list() = default;

    /// One more call; the builder itself.
    template <class F, class... A>
    composed_list& add(F&& f, A&&... args) & {
        using call = detail::bound_call<std::decay_t<F>, std::decay_t<A>...>;
        static_assert(
            std::is_copy_constructible_v<call>,
            "bide: parallel<T> and serial<T> may run again, so their arguments are copied; for one that cannot be "
            "copied use parallel() or serial()");
        calls_.push_back(detail::make_counted<const detail::listed_call<T, call>>(
            call(std::in_place, std::forward<F>(f), std::forward<A>(args)...)));
        return *this;
    }
    template <class F, class... A>
    composed_list&& add(F&& f, A&&... args) && {
        return std::move(add(std::forward<F>(f), std::forward<A>(args)...));
    }
    [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }

    /// A task of all results, in the order of add. What is added later belongs to later runs.
    [[nodiscard]] task<result_type> run() const {
        if constexpr (Kind == detail::composition::parallel)
            return detail::run_listed_parallel<T>(calls_);
        else
            return detail::run_listed_serial<T>(calls_);
    }
    result_type wait(std::source_location where = std::source_location::current()) const { return run().wait(where); }
    [[nodiscard]] task<result_type> operator()() const { return run(); }

private:
    detail::call_list<T> calls_;
};

/// Calls that run at once.
[[nodiscard]] inline composed<detail::composition::parallel> parallel() { return {}; }
template <class T>
[[nodiscard]] composed_list<detail::composition::parallel, T> parallel() {
    return {};
}
/// Calls that run one after the other.
[[nodiscard]] inline composed<detail::composition::serial> serial() { return {}; }
template <class T>
[[nodiscard]] composed_list<detail::composition::serial, T> serial() {
    return {};
}

}  // namespace v0
}  // namespace bide
