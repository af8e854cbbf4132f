// SPDX-License-Identifier: BSL-1.0
//
// catch_op: awaits a task in the caller's own context and leaves its outcome in a slot: value, failure, or stopped.
//
// The awaiting frame is resumed in each of the three cases. If the task was stopped, the awaiting frame has to pass the
// stop on itself (pass_stop_op), or to have a reason not to.
#pragma once

#include <bide/detail/base/rules.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/kernel/slot.hpp>

#include <coroutine>

namespace bide {
inline namespace v0 {
namespace detail {

template <class T>
class catch_awaiter : public child_end {
public:
    catch_awaiter(promise_base& p, slot<T>& result) noexcept : child_end{&p, &on_ended}, result_(result) {}
    catch_awaiter(const catch_awaiter&) = delete;
    catch_awaiter& operator=(const catch_awaiter&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<>) noexcept {
        return start_nested(result_.prepare(this, waiting_frame->ctx, attached));
    }
    void await_resume() const noexcept {}

private:
    static void on_ended(child_end* self, [[maybe_unused]] slot_base* s) noexcept {
        BIDE_ASSERT(K6, (s->flags & attached) == 0);
        post(self->waiting_frame, step::resume);
    }
    slot<T>& result_;
};

/// The slot holds the cold frame.
template <class T>
struct catch_op {
    slot<T>* result;
    explicit catch_op(slot<T>& r) noexcept : result(&r) {}
    [[nodiscard]] catch_awaiter<T> native_awaiter(promise_base& p) const noexcept {
        return catch_awaiter<T>(p, *result);
    }
};

/// A slot in a coroutine's frame, whose outcome may not be taken.
template <class T>
struct kept_slot : slot<T> {
    using slot<T>::slot;
    bool filled = false;
    [[nodiscard]] T take_out() {
        filled = false;
        return this->take();
    }
    [[nodiscard]] std::exception_ptr take_failure() noexcept {
        filled = false;
        return this->take_error();
    }
    ~kept_slot() {
        if (filled) this->drop();
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
