// SPDX-License-Identifier: BSL-1.0
//
// One task-local value that is set for what is awaited below it: a link of a list that grows inwards. A context points
// at its innermost link. What may outlive the operation (a job on a thread) owns a locals_ref.
#pragma once

#include <bide/detail/base/countdown.hpp>

#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

struct local_link {
    const void* key;
    const void* value;
    const local_link* outer = nullptr;  // holds a reference

    local_link(const local_link&) = delete;
    local_link& operator=(const local_link&) = delete;

    void add_ref() const noexcept { refs_.add(); }
    /// Drops a reference, and without recursion those of all outer links that it was the last one for.
    static void drop(const local_link* l) noexcept {
        while (l != nullptr && l->refs_.take_off()) delete std::exchange(l, l->outer);
    }

protected:
    local_link(const void* k, const void* v) noexcept : key(k), value(v) {}
    virtual ~local_link() = default;

private:
    mutable countdown refs_{1};
};

template <class T>
class local_value final : public local_link {
public:
    template <class... A>
    explicit local_value(const void* k, A&&... args) : local_link(k, &held_), held_(std::forward<A>(args)...) {}

private:
    T held_;
};

/// Keeps the values alive.
class locals_ref {
public:
    locals_ref() noexcept = default;
    explicit locals_ref(const local_link* l) noexcept : link_(l) {
        if (l != nullptr) l->add_ref();
    }
    locals_ref(const locals_ref& other) noexcept : locals_ref(other.link_) {}
    locals_ref(locals_ref&& other) noexcept : link_(std::exchange(other.link_, nullptr)) {}
    locals_ref& operator=(locals_ref other) noexcept {
        std::swap(link_, other.link_);
        return *this;
    }
    ~locals_ref() { local_link::drop(link_); }
    [[nodiscard]] const local_link* get() const noexcept { return link_; }

private:
    const local_link* link_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
