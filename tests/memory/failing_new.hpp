// SPDX-License-Identifier: BSL-1.0
//
// Memory that is short when a test says so: this program's operator new (failing_new.cpp) fails at the n-th allocation
// of a thread that has armed it. These tests are a program of their own, because the replaced operators would hide from
// AddressSanitizer what it finds in all other tests: memory that is given back by another operator, or with a wrong
// size.
#pragma once

#include <cstddef>

namespace memory {

/// Blocks of this program's operator new that have not been given back, on all threads.
[[nodiscard]] long blocks() noexcept;

/// Whether there is memory again after the failure: the two ask different things of the code that cleans up.
enum class shortage { once, for_good };

/// While it lives, the n-th allocation of this thread, counted from 1, throws std::bad_alloc, and those after it too
/// when it is for good.
class short_at {
public:
    explicit short_at(long n, shortage how = shortage::once) noexcept;
    short_at(const short_at&) = delete;
    short_at& operator=(const short_at&) = delete;
    ~short_at();
    /// Whether it came to that.
    [[nodiscard]] bool failed() const noexcept;
};

/// While it lives, this thread's allocations are not counted (those of the test itself).
class plenty {
public:
    plenty() noexcept;
    plenty(const plenty&) = delete;
    plenty& operator=(const plenty&) = delete;
    ~plenty();

private:
    long before_;
};

}  // namespace memory
