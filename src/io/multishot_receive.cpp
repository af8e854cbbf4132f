// SPDX-License-Identifier: BSL-1.0
#include "io/multishot_receive.hpp"

#include <unistd.h>
#include <cerrno>

namespace bide {
inline namespace v0 {
namespace detail {

multishot_receive::~multishot_receive() {
    for (const int fd : accepted) ::close(fd);
}

bool multishot_receive::on_prepare(ring_entry* self, ring_request& r) noexcept {
    auto& me = *static_cast<multishot_receive*>(self);
    {
        const socket_state::lock_guard lock(me.socket.lock_);
        r.what = me.accepts ? ring_request::kind::accept_many : ring_request::kind::receive_many;
        r.fd = me.socket.fd_;
        if (!me.socket.closed_) return true;
        me.socket.multishot_ended();
    }
    me.socket.drop_ref();
    return false;
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
