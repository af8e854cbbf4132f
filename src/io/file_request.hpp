// SPDX-License-Identifier: BSL-1.0
//
// file_request: what a file operation asks the ring for, how it reads the ring's result, and the operations that need
// no open file. Called by the tasks of file.cpp, where the task runs.
#pragma once

#include "io/file_ring.hpp"
#include "io/file_system.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace bide {
inline namespace v0 {
namespace detail {

// Makes a request for a part of a file. The caller still sets the memory: `to` of a read, `from` of a write.
[[nodiscard]] inline ring_request part(ring_request::kind what, int fd, std::uint64_t offset,
                                       std::size_t size) noexcept {
    ring_request r;
    r.what = what;
    r.fd = fd;
    r.offset = offset;
    r.size = size;
    return r;
}

// Returns true if the ring has done it, throws the file's error, and returns false if a thread is to do it: also for
// errors that may be the ring's own and not the file's, which the thread then finds out.
[[nodiscard]] inline bool was_done(int result, const std::filesystem::path& path) {
    switch (-result) {
        case EAGAIN:     // no ring, or the request would have to wait in a file system that cannot
        case ECANCELED:  // the loop is ending, or the kernel has no worker thread left
        case EFAULT:     // the thread that handed it over may have ended meanwhile
        case EINTR:
        case EINVAL:
        case EOPNOTSUPP:
            return false;
        default:
            if (result < 0) fail(-result, path);
            return true;
    }
}

/// Opens the path and gives the descriptor.
[[nodiscard]] task<int> open_path(std::filesystem::path path, int flags, std::uint32_t permissions);
/// Describes the file at the path; with AT_EMPTY_PATH in `flags` the open file fd, whose path it is.
[[nodiscard]] task<file_information> information_at(int fd, unsigned flags, std::filesystem::path path);

}  // namespace detail
}  // namespace v0
}  // namespace bide
