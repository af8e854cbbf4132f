// SPDX-License-Identifier: BSL-1.0
//
// An awaiter of another library: bide does not know for what it waits. The test resumes the handle.
#pragma once

#include <coroutine>

namespace support {

struct foreign_wait {
    std::coroutine_handle<>& waiting;
    explicit foreign_wait(std::coroutine_handle<>& h) : waiting(h) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> h) const { waiting = h; }
    void await_resume() const {}
};

}  // namespace support
