// SPDX-License-Identifier: BSL-1.0
#include <bide/call.hpp>
#include <bide/error.hpp>
#include <bide/io/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <mutex>

#include "file_system.hpp"

namespace bide {
inline namespace v0 {

namespace detail {

/// An open descriptor, which stays open while operations use it.
class open_file {
public:
    open_file(int fd, std::filesystem::path path) noexcept : path_(std::move(path)), fd_(fd) {}
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    ~open_file() {
        if (fd_ >= 0) ::close(fd_);
    }
    /// What f(fd) gives; the descriptor is open until it returns.
    template <class F>
    auto use(F f) {
        struct hold {
            open_file& of;
            explicit hold(open_file& o) : of(o) {
                const std::lock_guard guard(of.m_);
                if (of.closed_) fail(EBADF, of.path_);
                ++of.users_;
            }
            ~hold() {
                const std::lock_guard guard(of.m_);
                if (--of.users_ == 0 && of.closed_) of.close_now();
            }
        } const holding(*this);
        return f(fd_, path_);
    }
    void close() noexcept {
        const std::lock_guard guard(m_);
        if (!std::exchange(closed_, true) && users_ == 0) close_now();
    }
    [[nodiscard]] int descriptor() noexcept {
        const std::lock_guard guard(m_);
        return closed_ ? -1 : fd_;
    }

private:
    void close_now() noexcept { ::close(std::exchange(fd_, -1)); }
    const std::filesystem::path path_;
    std::mutex m_;
    int fd_;
    int users_ = 0;
    bool closed_ = false;
};

}  // namespace detail

using detail::fail;
using open_ptr = std::shared_ptr<detail::open_file>;

namespace {

bool has(open_mode all, open_mode one) noexcept {
    return (static_cast<unsigned>(all) & static_cast<unsigned>(one)) != 0;
}

off_t offset_of(std::uint64_t n, const std::filesystem::path& path) {
    if (n > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) fail(EINVAL, path);
    return static_cast<off_t>(n);
}

open_ptr open_now(const std::filesystem::path& path, open_mode mode, std::uint32_t permissions) {
    const bool reads = has(mode, open_mode::read);
    const bool writes = has(mode, open_mode::write) || has(mode, open_mode::append);
    int flags = O_CLOEXEC | O_NOCTTY;
    flags |= reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
    if (has(mode, open_mode::create)) flags |= O_CREAT;
    if (has(mode, open_mode::exclusive)) flags |= O_EXCL;
    if (has(mode, open_mode::truncate)) flags |= O_TRUNC;
    if (has(mode, open_mode::append)) flags |= O_APPEND;
    flags |= O_NONBLOCK;  // a FIFO would wait for its other end, where nobody can cancel that
    int fd = -1;
    do {
        fd = ::open(path.c_str(), flags, permissions);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) fail(errno, path);
    open_ptr made;
    try {
        made = std::make_shared<detail::open_file>(fd, path);
    } catch (...) {
        ::close(fd);
        throw;
    }
    struct stat s {};
    if (::fstat(fd, &s) != 0) fail(errno, path);
    if (S_ISDIR(s.st_mode)) fail(EISDIR, path);
    if (S_ISFIFO(s.st_mode) || S_ISSOCK(s.st_mode))
        fail(ESPIPE, path);  // pipe_reader::adopt and its like are for these
    return made;
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

task<file> file::open(std::filesystem::path path, open_mode mode, std::uint32_t permissions) {
    file made;
    made.file_ = co_await run(open_now, std::move(path), mode, permissions);
    co_return made;
}

void file::close() noexcept {
    if (file_ != nullptr) file_->close();
}
int file::native_handle() const noexcept { return file_ != nullptr ? file_->descriptor() : -1; }

namespace {

std::size_t read_now(const open_ptr& f, std::uint64_t offset, std::span<std::byte> to) {
    return f->use([&](int fd, const std::filesystem::path& path) {
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
    });
}

void write_now(const open_ptr& f, std::uint64_t offset, std::span<const std::byte> from) {
    f->use([&](int fd, const std::filesystem::path& path) {
        std::size_t done = 0;
        while (done < from.size()) {
            const ssize_t n = ::pwrite(fd, from.data() + done, from.size() - done, offset_of(offset + done, path));
            if (n >= 0)
                done += static_cast<std::size_t>(n);
            else if (errno != EINTR)
                fail(errno, path);
        }
    });
}

file_information information_now(const open_ptr& f) {
    return f->use([](int fd, const std::filesystem::path& path) {
        struct stat s {};
        if (::fstat(fd, &s) != 0) fail(errno, path);
        return detail::information_of(s);
    });
}

void set_size_now(const open_ptr& f, std::uint64_t bytes) {
    f->use([&](int fd, const std::filesystem::path& path) {
        if (::ftruncate(fd, offset_of(bytes, path)) != 0) fail(errno, path);
    });
}

void sync_now(const open_ptr& f, bool content) {
    f->use([&](int fd, const std::filesystem::path& path) {
        if ((content ? ::fdatasync(fd) : ::fsync(fd)) != 0) fail(errno, path);
    });
}

}  // namespace

task<std::size_t> file::read_at(std::uint64_t offset, std::span<std::byte> to) {
    return run(read_now, checked(), offset, to);
}
task<> file::write_at(std::uint64_t offset, std::span<const std::byte> from) {
    return run(write_now, checked(), offset, from);
}
task<file_information> file::information() { return run(information_now, checked()); }
task<> file::set_size(std::uint64_t bytes) { return run(set_size_now, checked(), bytes); }
task<> file::sync() { return run(sync_now, checked(), false); }
task<> file::sync_content() { return run(sync_now, checked(), true); }

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
    return run(detail::information_at, std::move(path), true);
}
task<file_information> link_information(std::filesystem::path path) {
    return run(detail::information_at, std::move(path), false);
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
