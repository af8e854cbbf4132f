// SPDX-License-Identifier: BSL-1.0
//
// What of this process can leak, counted: frames and nodes (where bide counts them: in sanitizer builds all, in others
// those from memory of the user's), tasks that are alive, descriptors, threads.
#pragma once

#include "support/threads.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/kernel/frame.hpp>
#include <bide/detail/kernel/task_node.hpp>

#include <string>

namespace support {

struct census {
    long frames = bide::detail::frames_alive();
    long tasks = tasks_alive();
    long descriptors = descriptors_of_process();
    long threads = threads_of_process();

    friend bool operator==(const census&, const census&) = default;
    [[nodiscard]] std::string text() const {
        return std::to_string(frames) + " frames, " + std::to_string(tasks) + " tasks, " + std::to_string(descriptors) +
               " descriptors, " + std::to_string(threads) + " threads";
    }
    /// On every executor that there is.
    static long tasks_alive() {
        using bide::detail::live_access;
        long n = 0;
        live_access::visit(
            [](bide::executor* ex, void* with) {
                for (; ex != nullptr; ex = live_access::after(*ex)) {
                    bide::detail::live_list& list = live_access::of(*ex);
                    const bide::detail::lock_guard guard(list.lock);
                    for (const auto* t = list.first; t != nullptr; t = t->next) ++*static_cast<long*>(with);
                }
            },
            &n);
        return n;
    }
};

}  // namespace support
