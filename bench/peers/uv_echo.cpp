// SPDX-License-Identifier: BSL-1.0
//
// The echo server on libuv, as its guide writes it: a request for each write that owns what is written.
#include <arpa/inet.h>
#include <uv.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::size_t buffer_size = 4096;

struct write_request {
    uv_write_t request;
    uv_buf_t buffer;
};

void closed(uv_handle_t* peer) { std::free(peer); }

void written(uv_write_t* request, int status) {
    if (status != 0 && uv_is_closing(reinterpret_cast<uv_handle_t*>(request->handle)) == 0)
        uv_close(reinterpret_cast<uv_handle_t*>(request->handle), closed);
    auto* const w = reinterpret_cast<write_request*>(request);
    std::free(w->buffer.base);
    std::free(w);
}

void give_buffer(uv_handle_t*, std::size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(static_cast<char*>(std::malloc(buffer_size)), buffer_size);
}

void received(uv_stream_t* peer, ssize_t n, const uv_buf_t* buffer) {
    if (n > 0) {
        auto* const w = static_cast<write_request*>(std::malloc(sizeof(write_request)));
        w->buffer = uv_buf_init(buffer->base, static_cast<unsigned>(n));
        uv_write(&w->request, peer, &w->buffer, 1, written);
        return;
    }
    if (n < 0) uv_close(reinterpret_cast<uv_handle_t*>(peer), closed);
    std::free(buffer->base);
}

void connected(uv_stream_t* at, int status) {
    if (status < 0) return;
    auto* const peer = static_cast<uv_tcp_t*>(std::malloc(sizeof(uv_tcp_t)));
    uv_tcp_init(at->loop, peer);
    if (uv_accept(at, reinterpret_cast<uv_stream_t*>(peer)) != 0) {
        uv_close(reinterpret_cast<uv_handle_t*>(peer), closed);
        return;
    }
    uv_tcp_nodelay(peer, 1);
    uv_read_start(reinterpret_cast<uv_stream_t*>(peer), give_buffer, received);
}

}  // namespace

int main() {
    uv_loop_t* const loop = uv_default_loop();
    uv_tcp_t at;
    uv_tcp_init(loop, &at);
    sockaddr_in where{};
    uv_ip4_addr("127.0.0.1", 0, &where);
    uv_tcp_bind(&at, reinterpret_cast<const sockaddr*>(&where), 0);
    if (uv_listen(reinterpret_cast<uv_stream_t*>(&at), 4096, connected) != 0) return 1;
    int size = sizeof where;
    uv_tcp_getsockname(&at, reinterpret_cast<sockaddr*>(&where), &size);
    std::printf("%u\n", static_cast<unsigned>(ntohs(where.sin_port)));
    std::fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
