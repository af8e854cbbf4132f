// SPDX-License-Identifier: BSL-1.0
//
// An executor of the user's own, with a thread that the test makes; its timers and I/O are carried by bide's background
// loop.
#pragma once

#include <bide/executor.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace support {

class own_executor final : public bide::executor {
public:
    void post(bide::ready_node& node) noexcept override {
        const std::lock_guard guard(m_);
        queue_.push_back(&node);
        changed_.notify_one();
    }
    void run_until(const std::atomic<bool>& over) {
        for (;;) {
            bide::ready_node* node = nullptr;
            {
                std::unique_lock guard(m_);
                changed_.wait(guard, [&] { return !queue_.empty() || over.load(); });
                if (queue_.empty()) return;
                node = queue_.front();
                queue_.pop_front();
            }
            bide::run_ready(*node);
        }
    }
    void wake() {
        const std::lock_guard guard(m_);
        changed_.notify_all();
    }

private:
    std::mutex m_;
    std::condition_variable changed_;
    std::deque<bide::ready_node*> queue_;
};

}  // namespace support
