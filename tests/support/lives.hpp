// SPDX-License-Identifier: BSL-1.0
//
// An argument that counts how many of it are alive and how often one was destroyed.
#pragma once

#include <atomic>

namespace support {

struct life_count {
    std::atomic<int> alive{0};
    std::atomic<int> made{0};
    std::atomic<int> destroyed{0};
};

class counted {
public:
    explicit counted(life_count& c) noexcept : c_(&c) { born(); }
    counted(const counted& other) noexcept : c_(other.c_) { born(); }
    counted(counted&& other) noexcept : c_(other.c_) { born(); }
    counted& operator=(const counted&) = default;
    counted& operator=(counted&&) = default;
    ~counted() {
        --c_->alive;
        ++c_->destroyed;
    }
    [[nodiscard]] life_count& count() const noexcept { return *c_; }

private:
    void born() noexcept {
        ++c_->alive;
        ++c_->made;
    }
    life_count* c_;
};

}  // namespace support
