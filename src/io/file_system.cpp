// SPDX-License-Identifier: BSL-1.0
//
// Whole files, names and directories, by blocking system calls.
//
// The public functions of file.hpp submit these as jobs to bide's threads; nothing here runs on a loop's thread, except
// information_of(), which only converts.
#include "io/file_system.hpp"

#include <bide/io/descriptor.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace bide {
inline namespace v0 {
namespace detail {

namespace fs = std::filesystem;

void fail(int error, const fs::path& path) {
    throw std::system_error(std::error_code(error, std::system_category()), path.string());
}

namespace {

file_kind kind_of(mode_t mode) noexcept {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return file_kind::directory;
        case S_IFLNK:
            return file_kind::symbolic_link;
        case S_IFIFO:
            return file_kind::fifo;
        case S_IFSOCK:
            return file_kind::socket;
        case S_IFCHR:
            return file_kind::character_device;
        case S_IFBLK:
            return file_kind::block_device;
        default:
            return file_kind::regular;
    }
}

std::chrono::system_clock::time_point time_of(const statx_timestamp& t) noexcept {
    const auto since = std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(since));
}

owned_descriptor open_at(const fs::path& path, int flags, std::uint32_t permissions = 0) {
    for (;;) {
        owned_descriptor d(::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, permissions));
        if (d) return d;
        if (errno != EINTR) fail(errno, path);
    }
}

void write_everything(int fd, std::string_view text, const fs::path& path) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n >= 0)
            text.remove_prefix(static_cast<std::size_t>(n));
        else if (errno != EINTR)
            fail(errno, path);
    }
}

/// umask() can read it only by changing it for a moment, for all threads: so it is read from /proc.
mode_t umask_of_process() {
    const owned_descriptor d(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> text{};
    const ssize_t n = d ? ::read(d.get(), text.data(), text.size() - 1) : -1;
    const char* at = n > 0 ? std::strstr(text.data(), "Umask:") : nullptr;
    return at != nullptr ? static_cast<mode_t>(std::strtoul(at + 6, nullptr, 8)) : 022;
}

/// Removes the temporary file, unless its path was cleared because it was renamed.
struct temporary {
    fs::path path;
    ~temporary() {
        if (!path.empty()) ::unlink(path.c_str());
    }
};

}  // namespace

file_information information_of(const struct statx& s) {
    file_information i;
    i.kind = kind_of(s.stx_mode);
    i.size = s.stx_size;
    i.permissions = s.stx_mode & 07777U;
    i.owner = s.stx_uid;
    i.group = s.stx_gid;
    i.links = s.stx_nlink;
    i.device = ::makedev(s.stx_dev_major, s.stx_dev_minor);
    i.number = s.stx_ino;
    i.modified = time_of(s.stx_mtime);
    i.accessed = time_of(s.stx_atime);
    return i;
}

std::string read_whole(const fs::path& path, std::size_t limit) {
    const owned_descriptor d = open_at(path, O_RDONLY);
    struct stat s{};
    if (::fstat(d.get(), &s) != 0) fail(errno, path);
    if (S_ISDIR(s.st_mode)) fail(EISDIR, path);
    if (S_ISFIFO(s.st_mode) || S_ISSOCK(s.st_mode)) fail(ESPIPE, path);
    std::string all;
    // The size is a hint: it may change, and is 0 for files of /proc.
    std::size_t next = std::min(limit, static_cast<std::size_t>(s.st_size)) + 1;
    for (;;) {
        const std::size_t before = all.size();
        all.resize(before + next);
        const ssize_t n = ::read(d.get(), all.data() + before, next);
        all.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (n == 0) return all;
        if (n < 0 && errno != EINTR) fail(errno, path);
        if (all.size() > limit) throw std::system_error(io_errc::too_much, path.string());
        next = std::max<std::size_t>(all.size() == before + next ? all.size() : next, std::size_t{64} << 10);
        next = std::min(next, limit - all.size() + 1);
    }
}

void replace_whole(const fs::path& path, const std::string& content, std::uint32_t permissions) {
    // The target of a link is replaced, not the link; a link without a target is itself replaced (contract 15.18 is
    // open there).
    std::error_code none;
    const fs::path real = fs::is_symlink(fs::symlink_status(path, none)) ? fs::weakly_canonical(path) : path;
    struct stat old{};
    const bool exists = ::stat(real.c_str(), &old) == 0;
    if (exists && S_ISDIR(old.st_mode)) fail(EISDIR, path);
    if (exists && !S_ISREG(old.st_mode)) {  // a device has no content to replace
        const owned_descriptor d = open_at(real, O_WRONLY);
        write_everything(d.get(), content, path);
        return;
    }
    fs::path directory = real.parent_path();
    if (directory.empty()) directory = ".";
    // In the same directory: a rename is atomic only within a file system.
    std::string name = ".";
    name += real.filename().string();
    name += ".XXXXXX";
    name = (directory / name).string();
    owned_descriptor d(::mkostemp(name.data(), O_CLOEXEC));
    if (!d) fail(errno, path);
    temporary made{name};
    // mkostemp gives permissions to the owner only.
    const mode_t mode = exists ? old.st_mode & 07777U : permissions & ~umask_of_process();
    if (exists && ::fchown(d.get(), old.st_uid, old.st_gid) != 0) {
    }  // if permitted; before fchmod, because it clears bits
    if (::fchmod(d.get(), mode) != 0) fail(errno, path);
    write_everything(d.get(), content, path);
    if (::fsync(d.get()) != 0) fail(errno, path);
    d.close();
    if (::rename(made.path.c_str(), real.c_str()) != 0) fail(errno, path);
    made.path.clear();
    const owned_descriptor in = open_at(directory, O_RDONLY | O_DIRECTORY);
    if (::fsync(in.get()) != 0 && errno != EINVAL)
        fail(errno, path);  // EINVAL: a file system that cannot sync directories
}

void append_whole(const fs::path& path, const std::string& content, std::uint32_t permissions) {
    const owned_descriptor d = open_at(path, O_WRONLY | O_CREAT | O_APPEND, permissions);
    write_everything(d.get(), content, path);
}

file_information information_now(int fd, const char* name, unsigned flags, const fs::path& path) {
    struct statx s{};
    if (::statx(fd, name, static_cast<int>(flags), STATX_BASIC_STATS, &s) != 0) fail(errno, path);
    return information_of(s);
}

void rename_now(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) fail(errno, from);
}

bool remove_now(const fs::path& path) {
    if (::unlink(path.c_str()) == 0) return true;
    if (errno == EISDIR && ::rmdir(path.c_str()) == 0) return true;
    if (errno == ENOENT) return false;
    fail(errno, path);
}

std::uint64_t remove_tree_now(const fs::path& path) {
    std::error_code error;
    const std::uintmax_t n = fs::remove_all(path, error);
    if (error) throw std::system_error(error, path.string());
    return n;
}

void make_directories_now(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) throw std::system_error(error, path.string());
}

namespace {

struct dir_closer {
    void operator()(DIR* d) const noexcept { ::closedir(d); }
};

file_kind kind_of_entry(const dirent& e, int directory, const fs::path& path) {
    switch (e.d_type) {
        case DT_REG:
            return file_kind::regular;
        case DT_DIR:
            return file_kind::directory;
        case DT_LNK:
            return file_kind::symbolic_link;
        case DT_FIFO:
            return file_kind::fifo;
        case DT_SOCK:
            return file_kind::socket;
        case DT_CHR:
            return file_kind::character_device;
        case DT_BLK:
            return file_kind::block_device;
        default:  // the file system gives no type
            break;
    }
    struct stat s{};
    if (::fstatat(directory, e.d_name, &s, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return file_kind::regular;  // removed meanwhile, as it may be after the listing too
        fail(errno, path);
    }
    return kind_of(s.st_mode);
}

}  // namespace

std::vector<directory_entry> list_now(const fs::path& path, bool below) {
    std::vector<directory_entry> all;
    std::vector<fs::path> left{path};
    while (!left.empty()) {
        const fs::path in = std::move(left.back());
        left.pop_back();
        owned_descriptor opened(::open(in.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY));
        if (!opened) {
            if (errno == ENOENT && in != path) continue;  // removed meanwhile
            fail(errno, in);
        }
        const std::unique_ptr<DIR, dir_closer> d(::fdopendir(opened.get()));
        if (d == nullptr) fail(errno, in);
        static_cast<void>(opened.release());
        // NOLINTNEXTLINE(concurrency-mt-unsafe): this function owns the directory stream
        for (errno = 0; const dirent* e = ::readdir(d.get()); errno = 0) {
            if (std::strcmp(e->d_name, ".") == 0 || std::strcmp(e->d_name, "..") == 0) continue;
            fs::path name = in / e->d_name;
            const file_kind kind = kind_of_entry(*e, ::dirfd(d.get()), name);
            if (below && kind == file_kind::directory) left.push_back(name);
            all.emplace_back(std::move(name), kind);
        }
        if (errno != 0) fail(errno, in);
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return all;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
