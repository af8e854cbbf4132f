// SPDX-License-Identifier: BSL-1.0
//
// Files by their names: opened, looked at, moved and removed; and whole ones.
#include "io/file_request.hpp"
#include "io/file_system.hpp"
#include "io/open_file.hpp"

#include <bide/call.hpp>
#include <bide/io/descriptor.hpp>
#include <bide/io/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <functional>
#include <memory>
#include <utility>

namespace bide {
inline namespace v0 {

using detail::fail;
using detail::file_step;
using detail::open_file;
using detail::part;
using detail::was_done;
using open_ptr = std::shared_ptr<open_file>;
using request = detail::ring_request::kind;

namespace {

bool has(open_mode all, open_mode one) noexcept {
    return (static_cast<unsigned>(all) & static_cast<unsigned>(one)) != 0;
}

int flags_of(open_mode mode) noexcept {
    const bool reads = has(mode, open_mode::read);
    const bool writes = has(mode, open_mode::write) || has(mode, open_mode::append);
    int flags = O_CLOEXEC | O_NOCTTY;
    flags |= reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
    if (has(mode, open_mode::create)) flags |= O_CREAT;
    if (has(mode, open_mode::exclusive)) flags |= O_EXCL;
    if (has(mode, open_mode::truncate)) flags |= O_TRUNC;
    if (has(mode, open_mode::append)) flags |= O_APPEND;
    return flags | O_NONBLOCK;  // a FIFO would wait for its other end
}

int open_now(const std::filesystem::path& path, int flags, std::uint32_t permissions) {
    for (;;) {
        const int fd = ::open(path.c_str(), flags, permissions);
        if (fd >= 0) return fd;
        if (errno != EINTR) fail(errno, path);
    }
}

// Quick, also where the file is far away: it asks for nothing but what open() has just learnt.
open_ptr adopt(int fd, const std::filesystem::path& path) {
    owned_descriptor opened(fd);
    auto made = std::make_shared<open_file>(fd, path);
    static_cast<void>(opened.release());
    struct statx s{};
    if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &s) != 0) fail(errno, path);
    if (S_ISDIR(s.stx_mode)) fail(EISDIR, path);
    if (S_ISFIFO(s.stx_mode) || S_ISSOCK(s.stx_mode))
        fail(ESPIPE, path);  // pipe_reader::adopt and its like are for these
    if (S_ISREG(s.stx_mode)) {
        // A ring takes O_NONBLOCK at its word: a read for which the disk would have to turn is EAGAIN.
        if (const int now = ::fcntl(fd, F_GETFL); now >= 0)
            made->by_ring = ::fcntl(fd, F_SETFL, now & ~O_NONBLOCK) == 0;
    }
    return made;
}

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

// With AT_EMPTY_PATH: of fd, which is the path's; else of the path.
task<file_information> information_at(int fd, unsigned flags, std::filesystem::path path) {
    const char* const name = (flags & AT_EMPTY_PATH) != 0 ? "" : path.c_str();
    struct statx s{};
    detail::ring_request r = part(request::status, fd, 0, 0);
    r.from = name;
    r.to = &s;
    r.flags = flags | AT_NO_AUTOMOUNT;  // as stat() has it
    const int n = co_await file_step(r);
    if (was_done(n, path)) co_return detail::information_of(s);
    file_information made = co_await run(detail::information_now, fd, name, r.flags, std::cref(path));
    co_return made;
}

task<file_information> information_of_open(open_ptr f) {
    const open_file::user in_use(*f);
    file_information made = co_await information_at(in_use.fd(), AT_EMPTY_PATH, f->path());
    co_return made;
}

}  // namespace

task<file> file::open(std::filesystem::path path, open_mode mode, std::uint32_t permissions) {
    file made;
    const int fd = co_await open_path(path, flags_of(mode), permissions);
    made.file_ = adopt(fd, path);
    co_return made;
}
task<file_information> file::information() { return information_of_open(checked()); }

// ---- whole files ----------------------------------------------------------------------------------------------------

task<std::string> read_file(std::filesystem::path path, std::size_t limit) {
    return run(detail::read_whole, std::move(path), limit);
}
task<> write_file(std::filesystem::path path, std::string content, std::uint32_t permissions) {
    return run(detail::replace_whole, std::move(path), std::move(content), permissions);
}
task<> append_file(std::filesystem::path path, std::string content, std::uint32_t permissions) {
    return run(detail::append_whole, std::move(path), std::move(content), permissions);
}

// ---- names ----------------------------------------------------------------------------------------------------------

task<file_information> path_information(std::filesystem::path path) {
    return information_at(AT_FDCWD, 0, std::move(path));
}
task<file_information> link_information(std::filesystem::path path) {
    return information_at(AT_FDCWD, AT_SYMLINK_NOFOLLOW, std::move(path));
}
task<> rename_file(std::filesystem::path from, std::filesystem::path to) {
    return run(detail::rename_now, std::move(from), std::move(to));
}
task<bool> remove_file(std::filesystem::path path) { return run(detail::remove_now, std::move(path)); }
task<std::uint64_t> remove_tree(std::filesystem::path path) { return run(detail::remove_tree_now, std::move(path)); }
task<> make_directories(std::filesystem::path path) { return run(detail::make_directories_now, std::move(path)); }
task<std::vector<directory_entry>> list_directory(std::filesystem::path path) {
    return run(detail::list_now, std::move(path), false);
}
task<std::vector<directory_entry>> list_tree(std::filesystem::path path) {
    return run(detail::list_now, std::move(path), true);
}

}  // namespace v0
}  // namespace bide
