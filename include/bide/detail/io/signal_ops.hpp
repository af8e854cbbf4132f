// SPDX-License-Identifier: BSL-1.0
//
// signal_source: where bide's signal handler notes signals: one bit per signal, and an eventfd that makes the waiting
// loop look. signal_leaf waits for a bit.
//
// Why a handler and not a signalfd: a signalfd needs the signal blocked in every thread, also in threads that other
// code made before.
//
// Thread rule: note() runs in the handler, on any thread at any moment, and does only what is safe there. Sources are
// made and destroyed on any thread. One signal_leaf at a time takes bits.
#pragma once

#include <bide/detail/io/byte_ops.hpp>

#include <atomic>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

/// Returns the bit of a signal. Throws std::invalid_argument for a number that is no signal, or a signal of the
/// program's own faults.
[[nodiscard]] std::uint64_t signal_bit(int signal);

class signal_source {
public:
    explicit signal_source(std::uint64_t signals);
    signal_source(const signal_source&) = delete;
    signal_source& operator=(const signal_source&) = delete;
    ~signal_source();

    [[nodiscard]] socket_state& event() const noexcept { return *event_.get(); }

    // For the handler.
    std::atomic<signal_source*> next{nullptr};  // in the list of all sources
    void note(int signal) noexcept;

private:
    friend class signal_leaf;
    const std::uint64_t signals_;
    socket_owner event_;
    const int event_fd_;
    std::atomic<std::uint64_t> pending_{0};
    unsigned last_ = 0;  // the bit given last, after which the search for the next one begins; the waiting leaf owns it
};

class signal_leaf : public socket_op {
public:
    signal_leaf(promise_base& p, signal_source& s) noexcept;

protected:
    [[nodiscard]] int finish() {
        end_without_error();
        return signal_;
    }
    [[nodiscard]] result<int> finish_coded() {
        end();
        return {error_, signal_};
    }

private:
    static attempt take(socket_op& op, int fd) noexcept;
    signal_source& source_;
    int signal_ = 0;
};

class [[nodiscard("co_await it or call .wait()")]] signal_op : public leaf_op<signal_op, signal_leaf> {
public:
    explicit signal_op(signal_source& s) noexcept : source_(&s) {}
    template <class Awaiter>
    [[nodiscard]] Awaiter make(promise_base& p) const noexcept {
        return Awaiter(p, *source_);
    }

private:
    signal_source* source_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
