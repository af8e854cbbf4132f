// SPDX-License-Identifier: BSL-1.0
//
// An executor that the test empties by hand; its timers are those of a loop.
#pragma once

#include <bide/detail/base/fifo.hpp>
#include <bide/executor.hpp>
#include <bide/loop.hpp>

namespace support {

class hand_run final : public bide::executor {
public:
    explicit hand_run(bide::loop& timers) noexcept : timers_(&timers) {}
    ~hand_run() override { retire(); }
    void post(bide::ready_node& node) noexcept override {
        ready_.push_back(node);
        ++posted_;
    }
    bide::loop& carrier() noexcept override { return *timers_; }
    int drain() {
        int n = 0;
        for (; bide::ready_node* const node = ready_.pop(); ++n) bide::run_ready(*node);
        return n;
    }
    [[nodiscard]] int posted() const { return posted_; }

private:
    bide::loop* timers_;
    bide::detail::fifo<bide::ready_node, &bide::ready_node::next> ready_;
    int posted_ = 0;
};

}  // namespace support
