// SPDX-License-Identifier: BSL-1.0
//
// How a freshly opened descriptor becomes an open_file: what cannot be read at offsets is refused, and a regular file
// is made ready for a ring. Called by file::open, where its task runs; it does not block.
#include "io/open_file.hpp"

#include <bide/io/descriptor.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <cerrno>

namespace bide {
inline namespace v0 {
namespace detail {

std::shared_ptr<open_file> adopt_file(int fd, const std::filesystem::path& path) {
    owned_descriptor opened(fd);
    auto made = std::make_shared<open_file>(fd, path);
    static_cast<void>(opened.release());
    struct statx s{};
    if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &s) != 0) fail(errno, path);
    if (S_ISDIR(s.stx_mode)) fail(EISDIR, path);
    if (S_ISFIFO(s.stx_mode) || S_ISSOCK(s.stx_mode))
        fail(ESPIPE, path);  // pipe_reader::adopt and its like are for these
    if (S_ISREG(s.stx_mode)) {
        // io_uring honours O_NONBLOCK: a read that has to wait for the disk would end with EAGAIN.
        if (const int now = ::fcntl(fd, F_GETFL); now >= 0)
            made->by_ring = ::fcntl(fd, F_SETFL, now & ~O_NONBLOCK) == 0;
    }
    return made;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
