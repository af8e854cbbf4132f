// SPDX-License-Identifier: BSL-1.0
//
// signal_source: what the handler notes signals in: a bit for each, and an eventfd that says "look". signal_leaf waits
// for a bit.
//
// Why a handler and not a signalfd: that one needs the signal blocked in every thread, also in those that somebody made
// before and that we do not know.
#pragma once

#include <bide/detail/io/byte_ops.hpp>

#include <atomic>
#include <cstdint>
#include <source_location>

namespace bide {
inline namespace v0 {
namespace detail {

/// The bit of a signal; std::invalid_argument for what is none, or is the program's own fault.
[[nodiscard]] std::uint64_t signal_bit(int signal);

class signal_source {
public:
    explicit signal_source(std::uint64_t signals);
    signal_source(const signal_source&) = delete;
    signal_source& operator=(const signal_source&) = delete;
    ~signal_source();

    [[nodiscard]] socket_state& event() const noexcept { return *event_.get(); }

    // For the handler.
    std::atomic<signal_source*> next{nullptr};  // in the list of all
    void note(int signal) noexcept;

private:
    friend class signal_leaf;
    const std::uint64_t signals_;
    socket_owner event_;
    const int event_fd_;
    std::atomic<std::uint64_t> pending_{0};
    unsigned last_ = 0;  // which bit was given last: the others come first; the waiter's
};

class signal_leaf : public socket_op {
public:
    signal_leaf(promise_base& p, signal_source& s) noexcept;

protected:
    [[nodiscard]] int finish();
    [[nodiscard]] io_result<int> finish_try();

private:
    static attempt take(socket_op& op, int fd) noexcept;
    signal_source& source_;
    int signal_ = 0;
};

template <bool Try>
class signal_awaiter final : public signal_leaf {
public:
    using signal_leaf::signal_leaf;
    auto await_resume() {
        if constexpr (Try)
            return finish_try();
        else
            return finish();
    }
};

template <bool Try>
class [[nodiscard("co_await it or call .wait()")]] signal_op {
public:
    explicit signal_op(signal_source& s) noexcept : source_(&s) {}
    [[nodiscard]] signal_awaiter<Try> native_awaiter(promise_base& p) const noexcept {
        return signal_awaiter<Try>(p, *source_);
    }
    auto wait(std::source_location where = std::source_location::current()) const { return as_task(*this).wait(where); }

private:
    signal_source* source_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
