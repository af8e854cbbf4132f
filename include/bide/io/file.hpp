// SPDX-License-Identifier: BSL-1.0
//
// file.hpp: reading and writing files and directories without blocking the loop's thread.
//
//     std::string config = co_await bide::read_file("app.conf");
//     co_await bide::write_file("app.conf", changed);              // whole or not at all, also when the power fails
//
//     bide::file f = co_await bide::file::open("data", bide::open_mode::read_write | bide::open_mode::create);
//     std::size_t n = co_await f.read_at(4096, page);              // fewer at the end of the file, 0 behind it
//     co_await f.write_at(4096, page);                             // all of it
//     co_await f.sync();
//
// Everything here is a task. For an error as a code: co_await bide::as_result(bide::read_file(p)).
//
// Who does the work. Disks have no readiness to wait for, so an operation takes the first of these ways that is open to
// it:
// - The thread of the task copies what the system's cache holds (reads only).
// - The kernel does it by io_uring: opening, reading, writing and syncing a file, and describing one. Only where the
//   task runs on a loop itself, not on a pool or a strand; and only reads and writes of at most 256 KiB, because the
//   loop's thread copies what is in the cache. A wait() in plain code does not make a ring for a file.
// - One of bide's threads (threads.hpp) does it as a blocking job.
//
// Thread rule: several operations of one file may be under way at the same time, on any threads, loops and executors.
//   close() may be called meanwhile, and does not interrupt them. The object must not be moved, assigned or destroyed
//   meanwhile.
// Lifetime rule: the buffer and the file object live until the operation has ended.
// Cancellation: an operation that has not begun never begins. A cancelled task waits for an operation that has begun,
//   because the kernel or a thread still uses its buffer. bide asks the kernel to end its request early; a thread
//   finishes its job. An operation that completed all the same delivers its result. What a write has written by then
//   stays written; a read changes nothing in the file.
// Destructor: closes the file on the calling thread, which is quick. It does not sync: to know that the content is on
//   the disk, await sync().
// Errors: std::system_error, with the path in its text. The path of a directory where a file was meant:
//   std::errc::is_a_directory. An operation after close(): std::errc::bad_file_descriptor. An operation of an empty or
//   moved-from object: usage_error.
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
    create = 4,     ///< makes the file if it does not exist
    exclusive = 8,  ///< with create: fails with std::errc::file_exists if it exists
    truncate = 16,  ///< drops the content
    append = 32,    ///< write_at() ignores its offset and writes to the end
};
[[nodiscard]] constexpr open_mode operator|(open_mode a, open_mode b) noexcept {
    return static_cast<open_mode>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

enum class file_kind : std::uint8_t { regular, directory, symbolic_link, fifo, socket, character_device, block_device };

/// What is known about a file.
struct file_information {
    file_kind kind = file_kind::regular;
    std::uint64_t size = 0;
    std::uint32_t permissions = 0;  ///< the bits of chmod(2)
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
    std::uint64_t links = 0;  ///< hard links
    std::uint64_t device = 0;
    std::uint64_t number = 0;  ///< the inode; device and number together identify the file
    std::chrono::system_clock::time_point modified;
    std::chrono::system_clock::time_point accessed;
};

namespace detail {
class open_file;
}

class file {
public:
    /// An empty object: no file.
    file() noexcept;
    file(file&&) noexcept;
    file& operator=(file&& other) noexcept;
    ~file();

    /// A file that is created gets `permissions` without the bits of the umask.
    [[nodiscard]] static task<file> open(std::filesystem::path path, open_mode mode = open_mode::read,
                                         std::uint32_t permissions = 0666);

    /// Fills the buffer, and returns the number of bytes read: fewer than the buffer holds only if the file ends
    /// before.
    [[nodiscard]] task<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> to);
    /// Writes all of it.
    [[nodiscard]] task<> write_at(std::uint64_t offset, std::span<const std::byte> from);
    [[nodiscard]] task<file_information> information();
    /// Cuts the file to this size, or extends it with zero bytes.
    [[nodiscard]] task<> set_size(std::uint64_t bytes);
    /// Ends when the disk has the content and what the file system knows about the file.
    [[nodiscard]] task<> sync();
    /// Ends when the disk has the content, and what is needed to read it.
    [[nodiscard]] task<> sync_content();
    /// The descriptor is closed when the last operation under way has ended; further operations fail.
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return native_handle() >= 0; }
    /// Returns the descriptor, which the file goes on to own; -1 after close() and for an empty object.
    [[nodiscard]] int native_handle() const noexcept;

private:
    [[nodiscard]] std::shared_ptr<detail::open_file> checked() const;
    std::shared_ptr<detail::open_file> file_;
};

/// Reads a file one part after another (a byte_source), or writes it so (a byte_sink): for copy(), buffered_reader and
/// the like. It begins at `offset`, and advances by what it has read or written. It refers to the file, which outlives
/// it.
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

/// Reads from the beginning until read(2) says "end of file". More than `limit` bytes: io_errc::too_much. Trap: the
/// files of /proc/sys give their content to the first read only, and the system says that their size is 0, so only
/// their first byte comes back.
[[nodiscard]] task<std::string> read_file(std::filesystem::path path, std::size_t limit = std::size_t{1} << 30);
/// Replaces the content: writes a temporary file in the same directory, syncs it, and renames it over the old one. A
/// reader finds the old content or the new one, never a mixture; an error leaves the old content, unless only the
/// syncing of the directory failed. Permissions stay those of the old file, and its owner where the process may set it;
/// a new file gets `permissions` without the bits of the umask. Of a symbolic link the target is replaced; a link whose
/// target does not exist is itself replaced. A device has no content to replace: it is written to.
[[nodiscard]] task<> write_file(std::filesystem::path path, std::string content, std::uint32_t permissions = 0666);
/// Writes behind the present content; makes the file if it does not exist.
[[nodiscard]] task<> append_file(std::filesystem::path path, std::string content, std::uint32_t permissions = 0666);

// ---- names ----

/// Describes the file at the path; of a symbolic link its target.
[[nodiscard]] task<file_information> path_information(std::filesystem::path path);
/// Describes the file at the path; of a symbolic link the link itself.
[[nodiscard]] task<file_information> link_information(std::filesystem::path path);
/// Replaces a file at `to`, in one step. Both paths are on the same file system.
[[nodiscard]] task<> rename_file(std::filesystem::path from, std::filesystem::path to);
/// Removes a file, a symbolic link, or an empty directory. Returns false if nothing has this name.
[[nodiscard]] task<bool> remove_file(std::filesystem::path path);
/// Removes a file, or a directory with everything below it, and returns the number of names removed. It removes
/// symbolic links and does not follow them.
[[nodiscard]] task<std::uint64_t> remove_tree(std::filesystem::path path);
/// Makes the directory and those above it that do not exist.
[[nodiscard]] task<> make_directories(std::filesystem::path path);

struct directory_entry {
    std::filesystem::path path;           ///< the path of the directory with the name appended
    file_kind kind = file_kind::regular;  ///< a symbolic link is a symbolic_link, whatever its target is
    directory_entry() = default;
    directory_entry(std::filesystem::path p, file_kind k) : path(std::move(p)), kind(k) {}
};
/// Returns the entries of a directory, sorted by path, without "." and "..".
[[nodiscard]] task<std::vector<directory_entry>> list_directory(std::filesystem::path path);
/// Returns the entries of a directory and of all directories below it, sorted by path. It does not follow symbolic
/// links.
[[nodiscard]] task<std::vector<directory_entry>> list_tree(std::filesystem::path path);

}  // namespace v0
}  // namespace bide
