// SPDX-License-Identifier: BSL-1.0
//
// The public functions of file.hpp, and the tasks that read, write and sync an open file.
//
// Each task first tries the ring of the loop on which it runs (file_ring.hpp), and hands the rest to one of bide's
// threads. The *_now functions run on such a thread and may block. Everything else runs where the task runs.
#include <bide/call.hpp>
#include <bide/error.hpp>
#include <bide/io/file.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include "io/file_request.hpp"
#include "io/open_file.hpp"

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

off_t offset_of(std::uint64_t n, const std::filesystem::path& path) {
    if (n > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) fail(EINVAL, path);
    return static_cast<off_t>(n);
}

}  // namespace

// ---- the file -------------------------------------------------------------------------------------------------------

file::file() noexcept = default;
file::file(file&&) noexcept = default;
file& file::operator=(file&& other) noexcept {
    if (this != &other) {
        close();
        file_ = std::move(other.file_);
    }
    return *this;
}
file::~file() { close(); }

open_ptr file::checked() const {
    if (file_ == nullptr) [[unlikely]]
        throw usage_error("this file is empty: it was moved from or default-constructed");
    return file_;
}

void file::close() noexcept {
    if (file_ != nullptr) file_->close();
}
int file::native_handle() const noexcept { return file_ != nullptr ? file_->descriptor() : -1; }

namespace {

// ---- on one of bide's threads ----

std::size_t read_now(int fd, const std::filesystem::path& path, std::uint64_t offset, std::span<std::byte> to) {
    std::size_t done = 0;
    while (done < to.size()) {
        const ssize_t n = ::pread(fd, to.data() + done, to.size() - done, offset_of(offset + done, path));
        if (n == 0) break;
        if (n > 0)
            done += static_cast<std::size_t>(n);
        else if (errno != EINTR)
            fail(errno, path);
    }
    return done;
}

void write_now(int fd, const std::filesystem::path& path, std::uint64_t offset, std::span<const std::byte> from) {
    std::size_t done = 0;
    while (done < from.size()) {
        const ssize_t n = ::pwrite(fd, from.data() + done, from.size() - done, offset_of(offset + done, path));
        if (n > 0)
            done += static_cast<std::size_t>(n);
        else if (n == 0)
            fail(EIO, path);  // a file system that takes nothing would take nothing for ever
        else if (errno != EINTR)
            fail(errno, path);
    }
}

void sync_now(int fd, const std::filesystem::path& path, bool content) {
    if ((content ? ::fdatasync(fd) : ::fsync(fd)) != 0) fail(errno, path);
}

void set_size_now(const open_ptr& f, std::uint64_t bytes) {
    const open_file::user in_use(*f);
    if (::ftruncate(in_use.fd(), offset_of(bytes, f->path())) != 0) fail(errno, f->path());
}

// ---- by the ring of the loop where the task runs, if it has one ----

// On submission the loop's thread copies, inside the kernel, what is in the cache: more than this would block the loop.
constexpr std::size_t most_by_ring = std::size_t{256} << 10;

bool fits_ring(const open_file& f, std::uint64_t offset, std::size_t size) noexcept {
    constexpr auto last = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
    return f.by_ring && size <= most_by_ring && offset <= last - size;
}

task<std::size_t> read(open_ptr f, std::uint64_t offset, std::span<std::byte> to) {
    const open_file::user in_use(*f);
    std::size_t done = 0;
    const bool fits = fits_ring(*f, offset, to.size());
    while (fits && done < to.size()) {
        detail::ring_request r = part(request::read_at, in_use.fd(), offset + done, to.size() - done);
        r.to = to.data() + done;
        const int n = co_await file_step(r);
        if (!was_done(n, f->path())) break;
        if (n == 0) co_return done;  // the end
        done += static_cast<std::size_t>(n);
    }
    if (done == to.size()) co_return done;
    const std::size_t rest = co_await run(read_now, in_use.fd(), std::cref(f->path()), offset + done, to.subspan(done));
    co_return done + rest;
}

task<> write(open_ptr f, std::uint64_t offset, std::span<const std::byte> from) {
    const open_file::user in_use(*f);
    std::size_t done = 0;
    const bool fits = fits_ring(*f, offset, from.size());
    while (fits && done < from.size()) {
        detail::ring_request r = part(request::write_at, in_use.fd(), offset + done, from.size() - done);
        r.from = from.data() + done;
        const int n = co_await file_step(r);
        if (!was_done(n, f->path())) break;
        if (n == 0) fail(EIO, f->path());
        done += static_cast<std::size_t>(n);
    }
    if (done == from.size()) co_return;
    co_await run(write_now, in_use.fd(), std::cref(f->path()), offset + done, from.subspan(done));
}

task<> bring_to_disk(open_ptr f, bool content) {
    const open_file::user in_use(*f);
    if (f->by_ring) {
        const detail::ring_request r = part(content ? request::sync_content : request::sync, in_use.fd(), 0, 0);
        const int n = co_await file_step(r);
        if (was_done(n, f->path())) co_return;
    }
    co_await run(sync_now, in_use.fd(), std::cref(f->path()), content);
}

task<file_information> information_of_open(open_ptr f) {
    const open_file::user in_use(*f);
    file_information made = co_await detail::information_at(in_use.fd(), AT_EMPTY_PATH, f->path());
    co_return made;
}

}  // namespace

task<file> file::open(std::filesystem::path path, open_mode mode, std::uint32_t permissions) {
    file made;
    const int fd = co_await detail::open_path(path, flags_of(mode), permissions);
    made.file_ = detail::adopt_file(fd, path);
    co_return made;
}
task<file_information> file::information() { return information_of_open(checked()); }
task<std::size_t> file::read_at(std::uint64_t offset, std::span<std::byte> to) { return read(checked(), offset, to); }
task<> file::write_at(std::uint64_t offset, std::span<const std::byte> from) { return write(checked(), offset, from); }
task<> file::set_size(std::uint64_t bytes) { return run(set_size_now, checked(), bytes); }
task<> file::sync() { return bring_to_disk(checked(), false); }
task<> file::sync_content() { return bring_to_disk(checked(), true); }

task<std::size_t> file_stream::read_some(std::span<std::byte> to) {
    const std::size_t n = co_await file_->read_at(offset_, to);
    offset_ += n;
    co_return n;
}
task<std::size_t> file_stream::write_some(std::span<const std::byte> from) {
    co_await file_->write_at(offset_, from);
    offset_ += from.size();
    co_return from.size();
}

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
    return detail::information_at(AT_FDCWD, 0, std::move(path));
}
task<file_information> link_information(std::filesystem::path path) {
    return detail::information_at(AT_FDCWD, AT_SYMLINK_NOFOLLOW, std::move(path));
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
