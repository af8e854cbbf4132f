// SPDX-License-Identifier: BSL-1.0
//
// owned_ptr<T>: a pointer that deletes what it points to. In a public header a std::unique_ptr would bring the whole of
// <memory>, which costs a user's compiler as much as the rest of bide. Sources use std::unique_ptr.
#pragma once

#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

template <class T>
class owned_ptr {
public:
    owned_ptr() noexcept = default;
    explicit owned_ptr(T* object) noexcept : object_(object) {}
    owned_ptr(owned_ptr&& other) noexcept : object_(other.release()) {}
    template <class U, class = std::enable_if_t<std::is_convertible_v<U*, T*>>>
    owned_ptr(owned_ptr<U>&& other) noexcept  // NOLINT(google-explicit-constructor): as a pointer
        : object_(other.release()) {}
    owned_ptr& operator=(owned_ptr&& other) noexcept {
        owned_ptr taken(std::move(other));
        std::swap(object_, taken.object_);
        return *this;
    }
    ~owned_ptr() {
        static_assert(sizeof(T) != 0, "the type is complete where it is deleted");
        delete object_;
    }

    [[nodiscard]] T* get() const noexcept { return object_; }
    [[nodiscard]] T& operator*() const noexcept { return *object_; }
    [[nodiscard]] T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    /// Gives the object to the caller, which has to delete it.
    T* release() noexcept { return std::exchange(object_, nullptr); }

private:
    T* object_ = nullptr;
};

template <class T, class... A>
[[nodiscard]] owned_ptr<T> make_owned(A&&... args) {
    return owned_ptr<T>(new T(std::forward<A>(args)...));
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
