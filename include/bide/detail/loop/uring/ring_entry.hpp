// SPDX-License-Identifier: BSL-1.0
//
// ring_entry: one operation that the kernel carries out for a loop, and whose end it reports (io_uring).
// Completion-shaped I/O plugs in here, as readiness-shaped I/O does at fd_watcher; src/loop/uring/ring.hpp has the
// machine behind it.
//
// How it goes. The operation queues its entry, on the loop's thread. When the loop next hands over its batch, the ring
// calls prepare() for the request: the last moment to say no. Until then the entry can be taken out, and the operation
// has not happened. Afterwards the ring calls completed() at the operation's end; for a "many" request several times,
// where `more` tells whether further reports follow.
//
// Lifetime rule: an entry, and the memory that its request names, live until the last report.
// Thread rule: the thread that owns the ring makes every call, outside all locks.
#pragma once

#include <bide/detail/base/two_way_list.hpp>

#include <cstddef>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

class ring;

/// What the operation asks of the kernel.
struct ring_request {
    enum class kind : std::uint8_t {
        send,          ///< sends what the system takes at once, or EAGAIN: over when the batch has been handed over
        receive_many,  ///< receives into the ring's own buffers, again and again until it ends
        accept_many,   ///< accepts connections, non-blocking and closed on exec, again and again until it ends
        poll_in,       ///< ends when there is something to read
        read_at,       ///< reads a file; the memory stays until the report, also when it was cancelled
        write_at,      ///< writes a file; likewise
        sync,          ///< fsync(): puts a file's content and metadata on the disk
        sync_content,  ///< fdatasync(): without the metadata that reading does not need
        open,          ///< opens the path at `from`
        status,        ///< statx() of the path at `from`, below fd, into `to`
    };
    kind what = kind::poll_in;
    int fd = -1;
    const void* from = nullptr;
    void* to = nullptr;
    std::size_t size = 0;
    std::uint64_t offset = 0;
    std::uint32_t flags = 0;        ///< the flags of open() or statx()
    std::uint32_t permissions = 0;  ///< the permissions of a file that open() creates
};

/// What the kernel reports about an entry.
struct ring_report {
    int result = 0;                   // the system call's result, or a negative errno
    bool more = false;                // further reports follow
    const std::byte* data = nullptr;  // receive_many: the bytes that came; valid until completed() returns
};

struct ring_entry {
    enum class place : std::uint8_t {
        nowhere,  // in no list of the ring's: not begun, or with the kernel, or over
        queued,   // not handed over yet
        resting,  // with the kernel, and no task waits for it
    };
    /// Fills the request in. Returns false if the operation is not wanted any more: then nothing is handed over or
    /// reported.
    bool (*prepare)(ring_entry* self, ring_request& r) noexcept;
    void (*completed)(ring_entry* self, const ring_report& r) noexcept;
    ring_entry* prev = nullptr;  // in the list of its place
    ring_entry* next = nullptr;
    place listed_in = place::nowhere;
    bool with_kernel = false;  // the last report is due

    ring_entry(bool (*p)(ring_entry*, ring_request&) noexcept,
               void (*c)(ring_entry*, const ring_report&) noexcept) noexcept
        : prepare(p), completed(c) {}
    ring_entry(const ring_entry&) = delete;
    ring_entry& operator=(const ring_entry&) = delete;

protected:
    ~ring_entry() = default;
};

/// Entries in the order in which they were added.
class ring_list {
public:
    [[nodiscard]] ring_entry* first() const noexcept { return entries_.first(); }
    void add(ring_entry& e, ring_entry::place at) noexcept {
        e.listed_in = at;
        entries_.push_back(e);
    }
    void remove(ring_entry& e) noexcept {
        e.listed_in = ring_entry::place::nowhere;
        entries_.remove(e);
    }

private:
    two_way_list<ring_entry, &ring_entry::prev, &ring_entry::next> entries_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
