// SPDX-License-Identifier: BSL-1.0
//
// multishot_receive: the entry that the ring knows. What it does is in socket_ring; the ring's thread calls it.
#include "io/multishot_receive.hpp"
#include "io/socket_ring.hpp"

#include <unistd.h>
#include <cerrno>

namespace bide {
inline namespace v0 {
namespace detail {

multishot_receive::~multishot_receive() {
    for (const int fd : accepted) ::close(fd);
}

bool multishot_receive::on_prepare(ring_entry* self, ring_request& r) noexcept {
    return socket_ring::multishot_begins(static_cast<multishot_receive*>(self)->socket, r);
}
void multishot_receive::on_report(ring_entry* self, const ring_report& r) noexcept {
    socket_ring::multishot_reports(static_cast<multishot_receive*>(self)->socket, r);
}

bool lost_before_accepted(int error) noexcept {
    switch (error) {
        case EINTR:
        case ECONNABORTED:
        case EPROTO:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case ENETUNREACH:
            return true;
        default:
            return false;
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
