// SPDX-License-Identifier: BSL-1.0
//
// builders.hpp: lists of calls that are made first and run later, once or many times.
//
//     auto both = bide::parallel().add(fetch, url).add(read_file, path);   // async and blocking functions mixed
//     auto [page, text] = both.wait();                                     // or: co_await both.run()
//     auto steps = bide::serial().add(connect, host).add(both);            // a builder can be a call of another builder
//
//     auto all = bide::parallel<int>();                                    // grows at run time; its result is a vector
//     for (auto& url : urls) all.add(fetch_size, url);
//     std::vector<int> sizes = all.wait();
//
// parallel runs all calls at the same time; its results are in the order of add. The first failure in time stops the
//   other calls, and is thrown when they have ended. serial runs one call after the other; the first failure ends the
//   run, and later calls never begin. A void result is std::monostate. Blocking functions run on threads (run, in
//   call.hpp).
//
// A builder is a value: add copies the callable and its arguments into it, and each run copies them again. So a builder
// may run several times, and may be extended between runs. A builder with arguments that cannot be copied runs once:
// std::move(builder).run().
//
// Thread rule: as for every value: several threads may run one builder, and none may extend it meanwhile. Runs may
// overlap.
// Lifetime rule: a run owns copies of the callables and arguments. Objects to which arguments refer outlive the run.
// Cancellation: a stop of the task that awaits run() stops the calls that run, and joins them.
// Destructor: destroys the callables and arguments; runs that have begun have their own.
// Errors: a failure of a call is thrown as itself; later failures of a parallel run go to the unhandled-error hook.
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

    /// Returns a builder that has one more call, f(args…).
    template <class F, class... A>
    [[nodiscard]] auto add(F&& f, A&&... args) const& {
        return composed(*this).extend(std::forward<F>(f), std::forward<A>(args)...);
    }
    template <class F, class... A>
    [[nodiscard]] auto add(F&& f, A&&... args) && {
        return std::move(*this).extend(std::forward<F>(f), std::forward<A>(args)...);
    }

    /// Returns a task of all results, in the order of add. The task is cold.
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

    /// The same as run(): a builder can be a call of another builder.
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

    /// Adds the call f(args…), and returns this builder.
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

    /// Returns a task of all results, in the order of add. The task is cold. Calls that are added later belong to later
    /// runs.
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

/// Returns an empty builder whose calls run at the same time.
[[nodiscard]] inline composed<detail::composition::parallel> parallel() { return {}; }
template <class T>
[[nodiscard]] composed_list<detail::composition::parallel, T> parallel() {
    return {};
}
/// Returns an empty builder whose calls run one after the other.
[[nodiscard]] inline composed<detail::composition::serial> serial() { return {}; }
template <class T>
[[nodiscard]] composed_list<detail::composition::serial, T> serial() {
    return {};
}

}  // namespace v0
}  // namespace bide
