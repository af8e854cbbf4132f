// SPDX-License-Identifier: BSL-1.0
//
// Both ends of a connection on loopback.
#pragma once

#include <bide/io/tcp.hpp>

namespace support {

struct tcp_pair {
    bide::tcp_stream client;
    bide::tcp_stream server;
    tcp_pair() {
        bide::tcp_listener at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));
        client = bide::tcp_stream::connect(at.endpoint()).wait();
        server = at.accept().wait();
    }
};

}  // namespace support
