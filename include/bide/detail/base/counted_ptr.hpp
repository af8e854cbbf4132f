// SPDX-License-Identifier: BSL-1.0
//
// counted_ptr<T>: a pointer whose object counts its owners; the last one deletes it. The object derives from counted.
// In a public header a std::shared_ptr would bring the whole of <memory>, which costs a user's compiler as much as the
// rest of bide. Sources use std::shared_ptr where no header names the object.
#pragma once

#include <bide/detail/base/countdown.hpp>

#include <type_traits>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

template <class T>
class counted_ptr;

/// The base of shared objects.
class counted {
public:
    counted() noexcept = default;
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;

protected:
    ~counted() = default;

private:
    template <class T>
    friend class counted_ptr;
    mutable countdown owners_{0};
};

template <class T>
class counted_ptr {
public:
    counted_ptr() noexcept = default;
    /// Adds an owner; none for null.
    explicit counted_ptr(T* object) noexcept : object_(object) { add(); }
    counted_ptr(const counted_ptr& other) noexcept : object_(other.object_) { add(); }
    counted_ptr(counted_ptr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <class U, class = std::enable_if_t<std::is_convertible_v<U*, T*>>>
    counted_ptr(const counted_ptr<U>& other) noexcept  // NOLINT(google-explicit-constructor): as a pointer
        : counted_ptr(other.get()) {}
    counted_ptr& operator=(counted_ptr other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~counted_ptr() {
        if (object_ != nullptr && count().take_off()) delete object_;
    }

    [[nodiscard]] T* get() const noexcept { return object_; }
    [[nodiscard]] T& operator*() const noexcept { return *object_; }
    [[nodiscard]] T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    friend bool operator==(const counted_ptr&, const counted_ptr&) noexcept = default;

private:
    [[nodiscard]] countdown& count() const noexcept { return static_cast<const counted*>(object_)->owners_; }
    void add() const noexcept {
        if (object_ != nullptr) count().add();  // the thread is an owner, or has just made the object
    }
    T* object_ = nullptr;
};

template <class T, class... A>
[[nodiscard]] counted_ptr<T> make_counted(A&&... args) {
    return counted_ptr<T>(new T(std::forward<A>(args)...));
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
