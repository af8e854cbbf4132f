// SPDX-License-Identifier: BSL-1.0
//
// task_local<T>: a value that belongs to a task and everything below it, as a thread_local belongs to a thread.
//
//     inline constinit bide::task_local<std::string> request_id;        // a key; it has to outlive its use
//
//     co_await request_id.with_value("r-17", handle(request));          // for handle(), and for all that it awaits, waits
//                                                                       // for, gives to threads or starts in scopes
//     log(request_id.get() ? *request_id.get() : "-");                  // in there
//
// A scope hands on the values that were set where the scope was opened: a start() inside a with_value, into a scope
// outside of it, does not hand on that value. submit() hands on nothing.
//
// Thread rule: get() may be called anywhere. All tasks below share the value, on every thread: it is const.
// Lifetime rule: a value lives until the operation has ended, and until every job on a thread that inherited it has
//   ended. The pointer that get() gives is good within the operation.
// Cancellation: with_value passes a stop request to its operation, and unwinds the caller when the operation has ended.
// Errors: those of the operation, and what copying the value throws.
#pragma once

#include <bide/detail/guard/guard.hpp>
#include <bide/detail/kernel/local_link.hpp>

#include <concepts>
#include <optional>
#include <utility>

namespace bide {
inline namespace v0 {

namespace detail {

/// Sets one value for the operation. Stop and deadline are the caller's.
class locals_guard : public guard {
public:
    /// Owns the link until it is entered.
    class parameters {
    public:
        explicit parameters(local_link* l) noexcept : link_(l) {}
        parameters(parameters&& other) noexcept : link_(std::exchange(other.link_, nullptr)) {}
        parameters& operator=(parameters&&) = delete;
        ~parameters() { local_link::drop(link_); }

    private:
        friend class locals_guard;
        local_link* link_;
    };

protected:
    explicit locals_guard(parameters&& with) noexcept : with_(std::move(with)) {}
    ~locals_guard() = default;
    void enter(context& outer) noexcept override;
    [[noreturn]] void throw_stopped() const;

private:
    parameters with_;
};

[[nodiscard]] const void* find_local(const void* key) noexcept;

}  // namespace detail

template <class T>
class task_local {
public:
    constexpr task_local() noexcept = default;
    /// With a default, which get() gives if no value was set.
    template <class U>
        requires std::constructible_from<T, U> && (!std::same_as<std::remove_cvref_t<U>, task_local>)
    constexpr explicit task_local(U&& otherwise) : default_(std::forward<U>(otherwise)) {}
    task_local(const task_local&) = delete;
    task_local& operator=(const task_local&) = delete;
    constexpr ~task_local() = default;

    /// Returns the value for the code that calls it, else the default, else null. Valid within the operation.
    [[nodiscard]] const T* get() const noexcept {
        if (const void* found = detail::find_local(this)) return static_cast<const T*>(found);
        return default_ ? &*default_ : nullptr;
    }

    /// Awaits op with the value set.
    template <class V, awaitable A>
        requires std::constructible_from<T, V>
    [[nodiscard]] auto with_value(V&& value, A&& op) const {
        using guarded = detail::guarded<detail::task_result_t<A>, detail::locals_guard>;
        detail::locals_guard::parameters set(new detail::local_value<T>(this, std::forward<V>(value)));
        return guarded(detail::to_task(std::forward<A>(op)), std::move(set));
    }

private:
    std::optional<T> default_;
};

/// The same, with the key among the arguments.
template <class T, class V, awaitable A>
    requires std::constructible_from<T, V>
[[nodiscard]] auto with_value(const task_local<T>& key, V&& value, A&& op) {
    return key.with_value(std::forward<V>(value), std::forward<A>(op));
}

}  // namespace v0
}  // namespace bide
