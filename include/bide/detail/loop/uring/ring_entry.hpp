// SPDX-License-Identifier: BSL-1.0
//
// ring_entry: one operation that the kernel carries out for a loop, and reports the end of (io_uring).
// Completion-shaped I/O plugs in here, as readiness-shaped I/O does at fd_watcher; src/loop/uring/ring.hpp has the
// machine behind it.
//
// How it goes. The operation is queued, on the loop's thread. When the loop next hands over its batch, prepare() is
// asked for the request: the last moment to say no. Until then it can be taken out, and has not happened. Afterwards
// completed() reports its end; for a "many" request several times, `more` telling whether further reports follow.
//
// Lifetime rule: an entry, and the memory that its request names, live until the last report.
// Thread rule: everything is called by the thread that owns the ring, outside all locks.
#pragma once

#include <bide/detail/base/two_way_list.hpp>

#include <cstddef>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

class ring;

/// What the kernel is asked for.
struct ring_request {
    enum class kind : std::uint8_t {
        send,          ///< as much as the system takes at once, or EAGAIN: over as soon as the batch is handed over
        receive_many,  ///< whatever comes, into the ring's own buffers, until it ends
        accept_many,   ///< every connection that comes, non-blocking and closed on exec, until it ends
        poll_in,       ///< until there is something to read
        read_at,       ///< of a file; its memory stays until it is reported, also when it was cancelled
        write_at,      ///< likewise
        sync,          ///< what was written is on the disk
        sync_content,  ///< the same, without what is known about the file
        open,          ///< the path at `from`
        status,        ///< of the path at `from`, below fd: what statx() gives, into `to`
    };
    kind what = kind::poll_in;
    int fd = -1;
    const void* from = nullptr;
    void* to = nullptr;
    std::size_t size = 0;
    std::uint64_t offset = 0;
    std::uint32_t flags = 0;        ///< of open() or statx()
    std::uint32_t permissions = 0;  ///< of a file that is created
};

/// What has become of it.
struct ring_report {
    int result = 0;                   // as the system call's, or a negative errno
    bool more = false;                // further reports follow
    const std::byte* data = nullptr;  // receive_many: what has come; the ring's again when completed() returns
};

struct ring_entry {
    enum class place : std::uint8_t {
        nowhere,  // not in a list of the ring's: not begun, or with the kernel, or over
        queued,   // not handed over yet
        resting,  // with the kernel, and nobody waits for it
    };
    /// False: not wanted any more; nothing happens and nothing is reported.
    bool (*prepare)(ring_entry* self, ring_request& r) noexcept;
    void (*completed)(ring_entry* self, const ring_report& r) noexcept;
    ring_entry* prev = nullptr;  // in the list of its place
    ring_entry* next = nullptr;
    place listed_in = place::nowhere;
    bool with_kernel = false;  // a report is due

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
