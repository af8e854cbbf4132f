// SPDX-License-Identifier: BSL-1.0
//
// file.hpp: files and directories, without standing in the loop's way. Disks have no readiness to wait for. What the
// system has in its cache is read at once. Opening a file, reading, writing and syncing it, and asking what is known
// about one, is else done by the kernel where the task runs on a loop with io_uring itself (not on a pool or a strand;
// plain code's wait() makes no ring for it). Everything else, also much at once (more than 256 KiB, which would hold
// up the loop while it is copied), is a job on bide's threads (threads.hpp).
//
//     std::string config = co_await bide::read_file("app.conf");
//     co_await bide::write_file("app.conf", changed);              // whole or not at all, also when the power fails
//
//     bide::file f = co_await bide::file::open("data", bide::open_mode::read_write | bide::open_mode::create);
//     std::size_t n = co_await f.read_at(4096, page);              // fewer at the end of the file, 0 behind it
//     co_await f.write_at(4096, page);                             // all of it
//     co_await f.sync();
//
// Everything here is a task. For an error as a code: co_await bide::with_code(bide::read_file(p)).
//
// Thread rule: operations of one file may be under way at the same time, on any threads, loops and executors; close()
//   meanwhile is allowed, and lets them end. Moving, assigning and destroying the object meanwhile is not.
// Lifetime rule: a buffer and the file live until the operation has ended.
// Cancellation: an operation that has not begun never does. What the kernel has it is asked to end; what a thread has
//   begun goes on. Both are waited for, since they have the buffer: soon where the kernel only has it in a queue, until the
//   disk is done where that is at work. An operation that was finished all the same gives its result. What a
//   write has written by then stays; a read takes nothing from the file.
// Destructor: closes, on the thread where it runs (close() is quick for files; for what has to be known to be on the
//   disk there is sync()).
// Errors: std::system_error, with the path in its text. A directory where a file was meant: std::errc::is_a_directory.
//   A closed file: std::errc::bad_file_descriptor; an empty or moved-from object: usage_error.
// Units: offsets and sizes in bytes.
#pragma once

#include <bide/io/error.hpp>
#include <bide/task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace bide {
inline namespace v0 {

enum class open_mode : unsigned {
    read = 1,
    write = 2,
    read_write = 3,
    create = 4,     ///< where it is not there
    exclusive = 8,  ///< with create: it must not be there
    truncate = 16,  ///< to nothing
    append = 32,    ///< write_at() writes to the end, whatever the offset
};
[[nodiscard]] constexpr open_mode operator|(open_mode a, open_mode b) noexcept {
    return static_cast<open_mode>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

enum class file_kind : std::uint8_t { regular, directory, symbolic_link, fifo, socket, character_device, block_device };

/// What is known about a file.
struct file_information {
    file_kind kind = file_kind::regular;
    std::uint64_t size = 0;
    std::uint32_t permissions = 0;  ///< as chmod has them
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
    std::uint64_t links = 0;
    std::uint64_t device = 0;
    std::uint64_t number = 0;  ///< with device: which file it is
    std::chrono::system_clock::time_point modified;
    std::chrono::system_clock::time_point accessed;
};

namespace detail {
class open_file;
}

class file {
public:
    /// None.
    file() noexcept;
    file(file&&) noexcept;
    file& operator=(file&& other) noexcept;
    ~file();

    /// `permissions`: of one that is created, less the umask.
    [[nodiscard]] static task<file> open(std::filesystem::path path, open_mode mode = open_mode::read,
                                         std::uint32_t permissions = 0666);

    /// How many bytes: as many as the buffer holds, unless the file ends before.
    [[nodiscard]] task<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> to);
    [[nodiscard]] task<> write_at(std::uint64_t offset, std::span<const std::byte> from);
    [[nodiscard]] task<file_information> information();
    [[nodiscard]] task<> set_size(std::uint64_t bytes);
    /// Comes back when the file (or only its content) is on the disk.
    [[nodiscard]] task<> sync();
    [[nodiscard]] task<> sync_content();
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    /// -1 when closed. It stays the file's.
    [[nodiscard]] int native_handle() const noexcept;

private:
    [[nodiscard]] std::shared_ptr<detail::open_file> checked() const;
    std::shared_ptr<detail::open_file> file_;
};

/// A file from its beginning as a byte_source, or to its end as a byte_sink: for copy(), buffered_reader and the like.
/// It refers to the file.
class file_stream {
public:
    explicit file_stream(file& f, std::uint64_t offset = 0) noexcept : file_(&f), offset_(offset) {}
    [[nodiscard]] task<std::size_t> read_some(std::span<std::byte> to);
    [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> from);
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
    void seek(std::uint64_t offset) noexcept { offset_ = offset; }

private:
    file* file_;
    std::uint64_t offset_;
};

// ---- whole files ----

/// The whole file; more than `limit` bytes are io_errc::too_much.
[[nodiscard]] task<std::string> read_file(std::filesystem::path path, std::size_t limit = std::size_t{1} << 30);
/// Afterwards the file has this content: written beside it, brought to the disk, and then put in its place. Whoever
/// reads finds the old content or the new one. A link is followed; the permissions stay those of the old file.
[[nodiscard]] task<> write_file(std::filesystem::path path, std::string content, std::uint32_t permissions = 0666);
/// At the end of what is there.
[[nodiscard]] task<> append_file(std::filesystem::path path, std::string content, std::uint32_t permissions = 0666);

// ---- names ----

/// Of what a link leads to; link_information: of the link itself.
[[nodiscard]] task<file_information> path_information(std::filesystem::path path);
[[nodiscard]] task<file_information> link_information(std::filesystem::path path);
/// What was at `to` is replaced.
[[nodiscard]] task<> rename_file(std::filesystem::path from, std::filesystem::path to);
/// A file, a link, or an empty directory. False: there was nothing.
[[nodiscard]] task<bool> remove_file(std::filesystem::path path);
/// With everything below it; links are not followed: how many names.
[[nodiscard]] task<std::uint64_t> remove_tree(std::filesystem::path path);
/// With those above it where they are not there.
[[nodiscard]] task<> make_directories(std::filesystem::path path);

struct directory_entry {
    std::filesystem::path path;           ///< of the directory and the name
    file_kind kind = file_kind::regular;  ///< of the name itself: links are not followed
    directory_entry() = default;
    directory_entry(std::filesystem::path p, file_kind k) : path(std::move(p)), kind(k) {}
};
/// What is in a directory, sorted by name.
[[nodiscard]] task<std::vector<directory_entry>> list_directory(std::filesystem::path path);
/// And in those below it, links not followed.
[[nodiscard]] task<std::vector<directory_entry>> list_tree(std::filesystem::path path);

}  // namespace v0
}  // namespace bide
