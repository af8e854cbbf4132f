// SPDX-License-Identifier: BSL-1.0
//
// pipe_reader and pipe_writer: making pipes and adopting descriptors. Any thread calls it. Bytes go by byte_ops.
#include <bide/io/pipe.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

namespace bide {
inline namespace v0 {

namespace {
detail::socket_owner adopted(int fd) {
    detail::socket_owner owner = detail::own_descriptor(fd);
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        throw std::system_error(detail::last_error(), "adopt");
    return owner;
}
}  // namespace

pipe_reader pipe_reader::adopt(int fd) { return pipe_reader(adopted(fd)); }
pipe_writer pipe_writer::adopt(int fd) { return pipe_writer(adopted(fd)); }

std::pair<pipe_reader, pipe_writer> make_pipe() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::system_error(detail::last_error(), "pipe");
    struct closing {
        int fd;
        ~closing() {
            if (fd >= 0) ::close(fd);
        }
    } second{ends[1]};
    pipe_reader out = pipe_reader::adopt(ends[0]);
    return {std::move(out), pipe_writer::adopt(std::exchange(second.fd, -1))};
}

}  // namespace v0
}  // namespace bide
