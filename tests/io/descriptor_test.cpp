// SPDX-License-Identifier: BSL-1.0
//
// owned_descriptor, and what holds for every descriptor that bide opens.
#include <bide/io/descriptor.hpp>

#include <bide/io/file.hpp>
#include <bide/io/file_watch.hpp>
#include <bide/io/local.hpp>
#include <bide/io/pipe.hpp>
#include <bide/io/process.hpp>
#include <bide/io/signal.hpp>
#include <bide/io/tcp.hpp>
#include <bide/io/udp.hpp>

#include "support/io.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

namespace {

using bide::owned_descriptor;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
int opened() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

std::set<int> descriptors_open() {
    std::set<int> all;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        all.insert(std::stoi(entry.path().filename()));
    return all;
}

TEST(owned_descriptor, closes_what_it_has_and_gives_it_away_when_asked) {
    const int first = opened();
    const int second = opened();
    {
        owned_descriptor one(first);
        owned_descriptor other(second);
        one = std::move(other);
        EXPECT_FALSE(is_open(first)) << "what it had before";
        EXPECT_EQ(one.get(), second);
        EXPECT_FALSE(other);  // NOLINT(bugprone-use-after-move)
    }
    EXPECT_FALSE(is_open(second));
    const int kept = opened();
    {
        owned_descriptor one(kept);
        EXPECT_EQ(one.release(), kept);
        EXPECT_FALSE(one);
    }
    EXPECT_TRUE(is_open(kept));
    ::close(kept);
}

// One of each kind, and what their loops open below them.
TEST(descriptors, C15_7_each_is_closed_on_exec) {
    const std::set<int> before = descriptors_open();
    const support::temporary_directory dir;
    bide::tcp_listener at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(0));
    bide::tcp_stream client = bide::tcp_stream::connect(at.endpoint()).wait();
    bide::tcp_stream server = at.accept().wait();
    const bide::udp_socket udp = bide::udp_socket::bind(bide::ip_endpoint::loopback(0));
    bide::local_listener local_at = bide::local_listener::listen(bide::local_endpoint::path((dir / "s").string()));
    auto [mine, theirs] = bide::local_stream::pair();
    auto [out, in] = bide::make_pipe();
    const bide::file file = bide::file::open(dir / "f", bide::open_mode::write | bide::open_mode::create).wait();
    bide::file_watch watch;
    watch.add(dir.path());
    const bide::signal_set signals{SIGUSR1};
    bide::process_options with_pipes;
    with_pipes.input = bide::stdio::pipe();
    with_pipes.output = bide::stdio::pipe();
    bide::process child = bide::process::spawn("cat", std::move(with_pipes));
    client.write_all(bide::bytes_of("x")).wait();
    std::array<std::byte, 1> one;
    server.read_exactly(one).wait();

    int seen = 0;
    for (const int fd : descriptors_open()) {
        const int flags = ::fcntl(fd, F_GETFD);
        if (flags < 0 || before.contains(fd)) continue;  // the first is that of the look itself
        ++seen;
        EXPECT_NE(flags & FD_CLOEXEC, 0) << std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
    }
    EXPECT_GE(seen, 14) << "each of the above has one";
}

}  // namespace
