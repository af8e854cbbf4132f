// SPDX-License-Identifier: BSL-1.0
//
// Dev mode, while the guard lives.
#pragma once

#include <bide/error.hpp>

namespace support {

class dev_mode_on {
public:
    dev_mode_on() : before_(bide::dev_mode()) { bide::set_dev_mode(true); }
    dev_mode_on(const dev_mode_on&) = delete;
    dev_mode_on& operator=(const dev_mode_on&) = delete;
    ~dev_mode_on() { bide::set_dev_mode(before_); }

private:
    bool before_;
};

}  // namespace support
