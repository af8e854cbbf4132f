// SPDX-License-Identifier: BSL-1.0
//
// What bide hands to its hooks while the guard lives, from any thread.
#pragma once

#include <bide/error.hpp>

#include <mutex>
#include <string>
#include <vector>

namespace support {

class unhandled {
public:
    unhandled() {
        now() = this;
        errors_before_ = bide::set_unhandled_error_hook([](std::exception_ptr e, const char*) {
            const std::lock_guard guard(now()->m_);
            now()->errors_.push_back(bide::describe(e));
        });
        report_before_ = bide::set_report_hook([](const std::string& text) {
            const std::lock_guard guard(now()->m_);
            now()->reports_.push_back(text);
        });
    }
    unhandled(const unhandled&) = delete;
    unhandled& operator=(const unhandled&) = delete;
    ~unhandled() {
        bide::set_unhandled_error_hook(errors_before_);
        bide::set_report_hook(report_before_);
        now() = nullptr;
    }
    /// Failures, described.
    [[nodiscard]] std::vector<std::string> errors() const {
        const std::lock_guard guard(m_);
        return errors_;
    }
    [[nodiscard]] std::vector<std::string> reports() const {
        const std::lock_guard guard(m_);
        return reports_;
    }

private:
    static unhandled*& now() {
        static unhandled* one = nullptr;
        return one;
    }
    mutable std::mutex m_;
    std::vector<std::string> errors_;
    std::vector<std::string> reports_;
    bide::unhandled_error_hook errors_before_;
    bide::report_hook report_before_;
};

}  // namespace support
