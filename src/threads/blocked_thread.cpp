// SPDX-License-Identifier: BSL-1.0
//
// Reads /proc/self/task/ID/stat, in which the kernel notes the state of each thread. The watch of a thread set calls
// this a few times in 5 ms at most, and only while jobs queue for want of threads.
#include "threads/blocked_thread.hpp"

#include "base/descriptor_owner.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cstdio>
#include <cstring>

namespace bide {
inline namespace v0 {
namespace detail {

bool is_blocked(pid_t thread) noexcept {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", static_cast<int>(thread));
    const descriptor_owner file(::open(path, O_RDONLY | O_CLOEXEC));
    if (!file) return false;  // not known: counted as running
    char text[256];
    const ssize_t n = ::read(file.get(), text, sizeof text - 1);
    if (n <= 0) return false;
    text[n] = '\0';
    const char* name_end = std::strrchr(text, ')');  // "ID (name) S …"; a name may hold anything
    if (name_end == nullptr || name_end[1] == '\0') return false;
    return name_end[2] == 'S' || name_end[2] == 'D';
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
