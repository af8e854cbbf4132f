// SPDX-License-Identifier: BSL-1.0
//
// What the operations of files ask a ring for, and what they make of its word.
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

// Of a file; a read has still to say where to, a write where from.
[[nodiscard]] inline ring_request part(ring_request::kind what, int fd, std::uint64_t offset,
                                       std::size_t size) noexcept {
    ring_request r;
    r.what = what;
    r.fd = fd;
    r.offset = offset;
    r.size = size;
    return r;
}

// False: a thread is to do it. It also finds out what is wrong, where the ring's word for it is not the file's.
[[nodiscard]] inline bool was_done(int result, const std::filesystem::path& path) {
    switch (-result) {
        case EAGAIN:     // no ring here, or it would have to wait where this file system cannot
        case ECANCELED:  // the loop is ending, or the kernel had no worker for it
        case EFAULT:     // perhaps: the thread that handed it over has ended meanwhile
        case EINTR:
        case EINVAL:
        case EOPNOTSUPP:
            return false;
        default:
            if (result < 0) fail(-result, path);
            return true;
    }
}

/// Opens the path; gives the descriptor.
[[nodiscard]] task<int> open_path(std::filesystem::path path, int flags, std::uint32_t permissions);
/// With AT_EMPTY_PATH: of fd, which is the path's; else of the path.
[[nodiscard]] task<file_information> information_at(int fd, unsigned flags, std::filesystem::path path);

}  // namespace detail
}  // namespace v0
}  // namespace bide
