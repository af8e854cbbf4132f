// SPDX-License-Identifier: BSL-1.0
//
// file_watch: what changes in directories and files, as it changes (inotify).
//
//     bide::file_watch w;
//     w.add("/etc/app");                                       // a directory: the names in it; or one file
//     for (;;) {
//         bide::file_event e = co_await w.next();
//         if (e.overflow) rescan();                            // too much at once: some events are lost
//         else if (e.what == bide::file_change::written) reload(e.path);
//     }
//
// Directories below are not watched along. Programs often replace a file instead of writing it (write_file does): watch
// its directory then, and look for `appeared`.
//
// Thread rule: one next() at a time (another one: usage_error), on any threads, loops and executors; add() and remove()
//   from any thread meanwhile. next() does not work in virtual time (std::logic_error).
// Lifetime rule: the object outlives its next(); destroyed meanwhile, that ends with std::errc::operation_canceled.
// Cancellation: a cancelled next() has taken no event.
// Errors: std::system_error (add: std::errc::no_such_file_or_directory; std::errc::no_space_on_device where the
//   system's bound on watches is reached).
#pragma once

#include <bide/detail/io/byte_ops.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <source_location>

namespace bide {
inline namespace v0 {

enum class file_change : std::uint8_t {
    appeared,     ///< a name: made, or moved here
    disappeared,  ///< a name: removed, or moved away; or what is watched itself
    modified,     ///< content
    written,      ///< somebody who had it open for writing has closed it
    attributes,   ///< permissions, times, owner
};

class file_event {
public:
    std::filesystem::path path;  ///< what was added, and the name in it
    file_change what = file_change::modified;
    bool is_directory = false;
    bool overflow = false;  ///< events before this one are lost; nothing else is in it
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
    /// Events that have come already are still given. Nothing if it was not added.
    void remove(const std::filesystem::path& path);
    [[nodiscard]] detail::watch_op next();

private:
    [[nodiscard]] detail::watch_list& checked() const;
    std::unique_ptr<detail::watch_list> list_;
};

}  // namespace v0
}  // namespace bide
