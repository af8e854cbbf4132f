// SPDX-License-Identifier: BSL-1.0
//
// Standard input, output and error: which way each can be waited for, decided once when the stream object is made.
//
// The public functions run on the calling thread. blocking_read and blocking_write run on one of bide's threads.
#include <bide/call.hpp>
#include <bide/io/descriptor.hpp>
#include <bide/io/standard.hpp>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <string>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

owned_descriptor duplicate(int fd) {
    owned_descriptor d(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!d) throw std::system_error(last_error(), "standard stream");
    return d;
}

/// Returns true if epoll can watch the descriptor: regular files and /dev/null have no readiness.
bool can_be_watched(int fd) {
    const owned_descriptor set(::epoll_create1(EPOLL_CLOEXEC));
    if (!set) throw std::system_error(last_error(), "epoll_create1");
    epoll_event e{};
    return ::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &e) == 0;
}

std::size_t blocking_read(int fd, std::span<std::byte> to) {
    ssize_t n = 0;
    do {
        n = ::read(fd, to.data(), to.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0) throw std::system_error(last_error(), "standard input");
    return static_cast<std::size_t>(n);
}
std::size_t blocking_write(int fd, std::span<const std::byte> from) {
    ssize_t n = 0;
    do {
        n = ::write(fd, from.data(), from.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0) throw std::system_error(last_error(), "standard output");
    return static_cast<std::size_t>(n);
}

}  // namespace

standard_stream::standard_stream(int fd, bool reads) {
    struct stat s{};
    if (::fstat(fd, &s) != 0) throw std::system_error(last_error(), "standard stream");
    owned_descriptor d;
    if (S_ISSOCK(s.st_mode)) {
        d = duplicate(fd);
        calls_ = &local_calls;  // recv and send with MSG_DONTWAIT, which never block
    } else if (can_be_watched(fd)) {
        const std::string again = "/proc/self/fd/" + std::to_string(fd);
        d = owned_descriptor(::open(again.c_str(), (reads ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        calls_ = d ? &pipe_calls : &terminal_calls;
        if (!d) d = duplicate(fd);
    } else {
        d = duplicate(fd);
    }
    descriptor_ = own_descriptor(d.release());
}

task<std::size_t> standard_stream::read_some(std::span<std::byte> to) {
    if (calls_ == nullptr) return run(blocking_read, descriptor_of(descriptor_), to);
    return as_task(read_some_op(socket_of(descriptor_, "standard_reader"), *calls_, to));
}
task<std::size_t> standard_stream::write_some(std::span<const std::byte> from) {
    if (calls_ == nullptr) return run(blocking_write, descriptor_of(descriptor_), from);
    return as_task(write_some_op(socket_of(descriptor_, "standard_writer"), *calls_, from));
}

}  // namespace detail

standard_reader standard_input() { return standard_reader(detail::standard_stream(STDIN_FILENO, true)); }
standard_writer standard_output() { return standard_writer(detail::standard_stream(STDOUT_FILENO, false)); }
standard_writer standard_error() { return standard_writer(detail::standard_stream(STDERR_FILENO, false)); }

}  // namespace v0
}  // namespace bide
