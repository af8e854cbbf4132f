// SPDX-License-Identifier: BSL-1.0
//
// Opening a file and describing one: by the ring of the loop on which the task runs, else by a job on one of bide's
// threads.
//
// The tasks of file.cpp await them. open_now runs on a thread of bide's and may block.
#include "io/file_request.hpp"

#include <bide/call.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <cerrno>
#include <functional>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

using request = ring_request::kind;

namespace {

int open_now(const std::filesystem::path& path, int flags, std::uint32_t permissions) {
    for (;;) {
        const int fd = ::open(path.c_str(), flags, permissions);
        if (fd >= 0) return fd;
        if (errno != EINTR) fail(errno, path);
    }
}

}  // namespace

task<int> open_path(std::filesystem::path path, int flags, std::uint32_t permissions) {
    detail::ring_request r = part(request::open, AT_FDCWD, 0, 0);
    r.from = path.c_str();
    r.flags = static_cast<unsigned>(flags);
    r.permissions = permissions;
    const int n = co_await file_step(r);
    if (was_done(n, path)) co_return n;
    const int fd = co_await run(open_now, std::cref(path), flags, permissions);
    co_return fd;
}

task<file_information> information_at(int fd, unsigned flags, std::filesystem::path path) {
    const char* const name = (flags & AT_EMPTY_PATH) != 0 ? "" : path.c_str();
    struct statx s{};
    ring_request r = part(request::status, fd, 0, 0);
    r.from = name;
    r.to = &s;
    r.flags = flags | AT_NO_AUTOMOUNT;  // as stat() has it
    const int n = co_await file_step(r);
    if (was_done(n, path)) co_return information_of(s);
    file_information made = co_await run(information_now, fd, name, r.flags, std::cref(path));
    co_return made;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
