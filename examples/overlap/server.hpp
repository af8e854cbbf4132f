// SPDX-License-Identifier: BSL-1.0
// An HTTP/1.1 file server, on a loop with a thread of its own. It takes its time before each response: what is far away
// does.
#pragma once

#include <bide/io/tcp.hpp>
#include <bide/loop_thread.hpp>
#include <bide/task.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>

class file_server {
public:
    /// Listens on 127.0.0.1 from now on; throws std::runtime_error (a taken port).
    file_server(std::filesystem::path root, std::uint16_t port, std::chrono::milliseconds delay);

    [[nodiscard]] bide::ip_endpoint endpoint() const { return listener_.endpoint(); }

private:
    bide::task<> serve();
    bide::task<> talk(bide::tcp_stream peer);

    std::filesystem::path root_;
    std::chrono::milliseconds delay_;
    bide::tcp_listener listener_;
    bide::loop_thread thread_;  // last: it stops and joins before the rest goes
};
