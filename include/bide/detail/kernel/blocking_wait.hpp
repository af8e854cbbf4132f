// SPDX-License-Identifier: BSL-1.0
//
// blocking_wait: the bottom of a wait() in plain code. It lies on the native stack of the waiting thread, and is the
// node of the chain that it waits for.
#pragma once

#include <bide/detail/kernel/chain_root.hpp>
#include <bide/detail/kernel/slot.hpp>
#include <bide/hooks.hpp>

#include <exception>
#include <source_location>

namespace bide {
inline namespace v0 {
namespace detail {

class blocking_wait_base : public chain_root {
public:
    [[nodiscard]] bool done() const noexcept { return done_; }

protected:
    blocking_wait_base(const std::source_location& where) noexcept
        : chain_root(task_kind::wait, where, &blocking_wait_base::on_end) {
        blocks_parent = true;
    }

    /// Runs the child on this thread's idle loop until it has ended. Returns true if the wait happens during unwinding,
    /// when nothing may be thrown.
    bool drive(slot_base& s);
    [[noreturn]] void throw_cancelled() const;

private:
    static void on_end(call_node* self) noexcept { static_cast<blocking_wait_base*>(self)->done_ = true; }
    bool done_ = false;  // written and read by the waiting thread alone
};

template <class T>
class blocking_wait final : public blocking_wait_base {
public:
    blocking_wait(promise_base* cold, const std::source_location& where) noexcept
        : blocking_wait_base(where), slot_(cold) {}

    T run() {
        const bool shielded = drive(slot_);
        if (shielded && slot_.state != outcome::value) [[unlikely]] {
            // 2.4: a wait during unwinding never throws, its failure goes to the hook.
            if (slot_.state == outcome::failed) report_unhandled(slot_.take_error(), "a wait() during unwinding");
            if constexpr (std::is_void_v<T>)
                return;
            else if constexpr (!std::is_reference_v<T> && std::is_default_constructible_v<T>)
                return T();
            else
                throw_cancelled();  // there is no value to return
        }
        if (slot_.state == outcome::stopped) [[unlikely]]
            throw_cancelled();
        return slot_.take();
    }

private:
    slot<T> slot_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
