// SPDX-License-Identifier: BSL-1.0
//
// Other people's programs, started by a test: what they say is kept, and they end with the test.
#pragma once

#include "temporary_directory.hpp"

#include <bide/io/ip_endpoint.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace support {

/// Text, in lines, of which no two stretches are alike.
inline std::string much_text(std::size_t size) {
    std::string all;
    all.reserve(size + 16);
    for (std::uint32_t x = 1; all.size() < size; x = x * 1664525U + 1013904223U) all += std::to_string(x) + '\n';
    all.resize(size);
    return all;
}

/// Where the program is. One that is missing fails the test, and is named: ./run installs them all.
inline std::string find_program(const std::string& name) {
    std::string all = (std::getenv("PATH") != nullptr ? std::getenv("PATH") : "") + std::string(":/usr/sbin:/usr/bin");
    while (!all.empty()) {
        const std::size_t colon = std::min(all.find(':'), all.size());
        const std::string here = all.substr(0, colon) + "/" + name;
        if (colon != 0 && ::access(here.c_str(), X_OK) == 0) return here;
        all.erase(0, colon + 1);
    }
    ADD_FAILURE() << "this test needs the program " << name << ", which is not installed";
    throw std::runtime_error("missing: " + name);
}

class program {
public:
    explicit program(std::vector<std::string> words) {
        const std::string path = find_program(words.at(0));
        int in[2];
        int out[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
        posix_spawn_file_actions_t streams;
        ::posix_spawn_file_actions_init(&streams);
        ::posix_spawn_file_actions_adddup2(&streams, in[0], 0);
        ::posix_spawn_file_actions_adddup2(&streams, out[1], 1);
        ::posix_spawn_file_actions_adddup2(&streams, out[1], 2);
        std::vector<char*> arguments;
        for (std::string& w : words) arguments.push_back(w.data());
        arguments.push_back(nullptr);
        const int failed = ::posix_spawn(&process_, path.c_str(), &streams, nullptr, arguments.data(), environ);
        ::posix_spawn_file_actions_destroy(&streams);
        ::close(in[0]);
        ::close(out[1]);
        input_ = in[1];
        output_ = out[0];
        if (failed != 0) throw std::runtime_error("cannot be started: " + path);
        reader_ = std::thread([this] { read(); });
    }
    program(const program&) = delete;
    program& operator=(const program&) = delete;
    ~program() {
        if (process_ > 0 && !ended_) ::kill(process_, SIGKILL);
        static_cast<void>(status());
        ::close(output_);
    }

    void say(const std::string& text) { EXPECT_EQ(::write(input_, text.data(), text.size()), ssize_t(text.size())); }
    void end_input() {
        if (input_ >= 0) ::close(std::exchange(input_, -1));
    }
    [[nodiscard]] std::string said() {
        const std::lock_guard guard(m_);
        return said_;
    }
    /// Waits until it has said so; gives all that it has said. Fails the test when it ends before.
    std::string wait_for(const std::string& text) {
        std::unique_lock guard(m_);
        const bool in_time = changed_.wait_for(guard, std::chrono::seconds(60),
                                               [&] { return said_.find(text) != std::string::npos || silent_; });
        EXPECT_TRUE(in_time && said_.find(text) != std::string::npos) << "not said: " << text << "\nbut: " << said_;
        return said_;
    }
    /// Waits for "…PREFIX<number>", and gives the number.
    std::uint16_t wait_for_port(const std::string& prefix) {
        const std::string all = wait_for(prefix);
        std::unique_lock guard(m_);
        const auto whole = [&] {
            const std::size_t at = said_.find(prefix);
            return at != std::string::npos &&
                   said_.find_first_not_of("0123456789", at + prefix.size()) != std::string::npos;
        };
        changed_.wait_for(guard, std::chrono::seconds(60), [&] { return whole() || silent_; });
        return static_cast<std::uint16_t>(std::atoi(said_.c_str() + said_.find(prefix) + prefix.size()));
    }
    void signal(int which) { ::kill(process_, which); }
    /// Ends its input, and waits for its end: the exit status, or 128 + the signal.
    [[nodiscard]] int status() {
        end_input();
        if (ended_) return status_;
        int raw = 0;
        while (::waitpid(process_, &raw, 0) < 0 && errno == EINTR) {}
        ended_ = true;
        reader_.join();
        return status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    }

private:
    void read() {
        char buffer[4096];
        for (;;) {
            const ssize_t n = ::read(output_, buffer, sizeof buffer);
            if (n < 0 && errno == EINTR) continue;
            const std::lock_guard guard(m_);
            if (n > 0) said_.append(buffer, static_cast<std::size_t>(n));
            silent_ = n <= 0;
            changed_.notify_all();
            if (silent_) return;
        }
    }

    pid_t process_ = -1;
    int input_ = -1;
    int output_ = -1;
    bool ended_ = false;
    int status_ = -1;
    std::mutex m_;
    std::condition_variable changed_;
    std::string said_;
    bool silent_ = false;
    std::thread reader_;
};

/// nginx on a port of its own, with this text in its server block ("listen" and all). `{port}` stands for the port.
class nginx {
public:
    nginx(const temporary_directory& at, const std::string& server, const std::string& listens) {
        for (int tries = 0; tries < 10; ++tries) {  // a port that is free now may be taken a moment later
            port_ = free_port();
            const std::string root = at.path().string();
            const std::string text =
                "daemon off; master_process off; pid " + root + "/nginx.pid; error_log stderr notice;\n" +
                "events { worker_connections 64; }\nhttp { access_log off; default_type text/plain;\n" +
                "client_body_temp_path " + root + "/body; proxy_temp_path " + root + "/proxy; fastcgi_temp_path " +
                root + "/fastcgi; uwsgi_temp_path " + root + "/uwsgi; scgi_temp_path " + root +
                "/scgi;\nserver { listen 127.0.0.1:" + std::to_string(port_) + listens + "; root " + root + ";\n" +
                server + "\n}}\n";
            const std::string file = at.file("nginx.conf", text);
            running_.emplace(std::vector<std::string>{"nginx", "-p", root, "-e", "stderr", "-c", file});
            if (answers()) return;
            static_cast<void>(running_->status());
            if (running_->said().find("Address already in use") == std::string::npos) break;
        }
        ADD_FAILURE() << "nginx does not begin: " << running_->said();
    }
    [[nodiscard]] bide::ip_endpoint at() const { return bide::ip_endpoint::loopback(port_); }

private:
    static std::uint16_t free_port() {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_storage address{};
        socklen_t size = bide::ip_endpoint::loopback(0).to_native(address);
        EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
        size = sizeof address;
        EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
        ::close(fd);
        return bide::ip_endpoint::from_native(address).port();
    }
    // It says nothing when it is ready: so it is asked, for as long as it runs.
    bool answers() {
        for (int i = 0; i < 2000; ++i) {
            if (running_->said().find("[emerg]") != std::string::npos) return false;
            const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            sockaddr_storage address{};
            const socklen_t size = at().to_native(address);
            const bool there = ::connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0;
            ::close(fd);
            if (there) return running_->said().find("[emerg]") == std::string::npos;
            ::poll(nullptr, 0, 10);
        }
        return false;
    }

    std::uint16_t port_ = 0;
    std::optional<program> running_;
};

}  // namespace support
