// SPDX-License-Identifier: BSL-1.0
//
// An object whose births and deaths are counted: a second death, a use of the dead and a copy made bit by bit are
// faults. It owns memory, so that AddressSanitizer sees the same.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace bide_test {

class counted {
public:
    counted() { born(); }
    explicit counted(int) { born(); }
    counted(const counted& other) : text_(other.text_) {
        other.use();
        born();
    }
    counted(counted&& other) noexcept : text_(std::move(other.text_)) {
        other.use();
        born();
    }
    counted& operator=(counted other) noexcept {
        use();
        std::swap(text_, other.text_);
        return *this;
    }
    ~counted() {
        const std::lock_guard guard(all().m);
        if (all().living.erase(this) == 0) ++all().faults;
    }
    /// Finds itself alive and where it was born.
    void use() const noexcept {
        const std::lock_guard guard(all().m);
        if (!all().living.contains(this) || self_ != this) ++all().faults;
    }

    static int faults() {
        const std::lock_guard guard(all().m);
        return all().faults;
    }
    static int living() {
        const std::lock_guard guard(all().m);
        return static_cast<int>(all().living.size());
    }

private:
    struct census {
        std::mutex m;
        std::set<const counted*> living;
        int faults = 0;
    };
    static census& all() {
        static census here;
        return here;
    }
    void born() {
        const std::lock_guard guard(all().m);
        self_ = this;
        if (!all().living.insert(this).second) ++all().faults;
    }
    const counted* self_ = nullptr;
    std::string text_ = "long enough to be on the heap, not in the object itself";
};

}  // namespace bide_test
