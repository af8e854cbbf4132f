// SPDX-License-Identifier: BSL-1.0
//
// file_watch: reports changes of directories and files as they happen (inotify).
//
//     bide::file_watch w;
//     w.add("/etc/app");                                       // a directory: the names in it; or one file
//     for (;;) {
//         bide::file_event e = co_await w.next();
//         if (e.overflow) rescan();                            // the system's queue was full: some events are lost
//         else if (e.what == bide::file_change::written) reload(e.path);
//     }
//
// A watched directory reports the names in it, not what is in its subdirectories. Trap: many programs replace a file
// instead of writing it (write_file does). A watch of the file then follows the old file; watch its directory instead,
// and look for `appeared`.
//
// Thread rule: one next() at a time (a second one throws usage_error), on any threads, loops and executors. add() and
//   remove() may be called from any thread meanwhile. next() throws std::logic_error in virtual time.
// Lifetime rule: the object outlives its next(). If it is destroyed meanwhile, next() fails with
//   std::errc::operation_canceled.
// Cancellation: a cancelled next() has taken no event.
// Destructor: ends the watches.
// Errors: std::system_error (from add: std::errc::no_such_file_or_directory; std::errc::no_space_on_device at the
//   system's limit of watches); usage_error from a moved-from object.
#pragma once

#include <bide/detail/io/byte_ops.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <source_location>

namespace bide {
inline namespace v0 {

enum class file_change : std::uint8_t {
    appeared,     ///< a name was made, or moved into the directory
    disappeared,  ///< a name, or the watched file itself, was removed or moved away
    modified,     ///< the content changed
    written,      ///< a program that had the file open for writing has closed it
    attributes,   ///< permissions, times or owner changed
};

class file_event {
public:
    std::filesystem::path path;  ///< the path that was given to add(); for a name in a directory with the name appended
    file_change what = file_change::modified;
    bool is_directory = false;
    bool overflow = false;  ///< events before this one are lost; the other members mean nothing
    file_event() = default;
};

namespace detail {

class watch_list;

class watch_leaf : public socket_op {
public:
    watch_leaf(promise_base& p, watch_list& w) noexcept;
    file_event await_resume();

private:
    static attempt take(socket_op& op, int fd) noexcept;
    watch_list& list_;
    file_event event_;
};

class [[nodiscard("co_await it or call .wait()")]] watch_op {
public:
    explicit watch_op(watch_list& w) noexcept : list_(&w) {}
    [[nodiscard]] watch_leaf native_awaiter(promise_base& p) const noexcept { return watch_leaf(p, *list_); }
    file_event wait(std::source_location where = std::source_location::current()) const {
        return as_task(*this).wait(where);
    }

private:
    watch_list* list_;
};

}  // namespace detail

class file_watch {
public:
    file_watch();
    file_watch(file_watch&&) noexcept;
    file_watch& operator=(file_watch&&) noexcept;
    ~file_watch();

    void add(const std::filesystem::path& path);
    /// Ends the watch of this path, if there is one. next() still gives the events that the system has queued.
    void remove(const std::filesystem::path& path);
    [[nodiscard]] detail::watch_op next();

private:
    [[nodiscard]] detail::watch_list& checked() const;
    std::unique_ptr<detail::watch_list> list_;
};

}  // namespace v0
}  // namespace bide
