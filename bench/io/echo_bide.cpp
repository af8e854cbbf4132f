// SPDX-License-Identifier: BSL-1.0
//
// bide, as its users write it. BIDE_DRIVER chooses.
#include "listen.hpp"

#include <bide/bide.hpp>
#include <bide/io/tcp.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace {

bide::task<> echo(bide::tcp_stream peer) {
    std::array<std::byte, 4096> buffer;
    while (const std::size_t n = co_await peer.read_some(buffer))
        co_await peer.write_all(std::span<const std::byte>(buffer).first(n));
}

bide::task<> guarded(bide::tcp_stream peer) {
    try {
        co_await echo(std::move(peer));
    } catch (const std::system_error&) {  // a client that went away
    }
}

bide::task<> serve(bide::tcp_listener& at) {
    auto accept = [&at](bide::scope& s) -> bide::task<> {
        for (;;) s.start(guarded, co_await at.accept());
    };
    co_await bide::with_scope(accept);
}

}  // namespace

int main() {
    auto at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0), {.backlog = 4096});
    say_port(at.endpoint().port());
    serve(at).wait();
}
