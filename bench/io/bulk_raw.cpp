// SPDX-License-Identifier: BSL-1.0
//
// A file over a connection, and nothing else: calls that block, one connection at a time.
#include "bulk.hpp"

#include <unistd.h>
#include <vector>

namespace {

void send_all(int to, const char* from, std::size_t size) {
    while (size > 0) {
        const ssize_t n = ::send(to, from, size, MSG_NOSIGNAL);
        if (n < 0) fail("send");
        from += n;
        size -= static_cast<std::size_t>(n);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bulk::arguments a(argc, argv);
    const int listener = listen_somewhere(SOCK_CLOEXEC);
    std::vector<char> buffer(bulk::piece);
    for (;;) {
        const int peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (peer < 0 || ::recv(peer, buffer.data(), buffer.size(), 0) <= 0) fail("accept");
        no_delay(peer);
        const int file = bulk::open(a.path("bulk"));
        const std::string head = bulk::head(bulk::size_of(file));
        send_all(peer, head.data(), head.size());
        for (ssize_t n = 0; (n = ::read(file, buffer.data(), buffer.size())) > 0;)
            send_all(peer, buffer.data(), static_cast<std::size_t>(n));
        ::close(file);
        ::close(peer);
    }
}
