// SPDX-License-Identifier: BSL-1.0
#include "server.hpp"

#include "http.hpp"

#include <bide/call.hpp>
#include <bide/scope.hpp>
#include <bide/time.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <vector>

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

/// A file that is being sent. Its functions block: they are run on threads.
class open_file {
public:
    open_file() noexcept = default;
    open_file(open_file&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), size_(other.size_), status_(other.status_) {}
    open_file& operator=(open_file&& other) noexcept {
        std::swap(fd_, other.fd_);
        size_ = other.size_;
        status_ = other.status_;
        return *this;
    }
    ~open_file() {
        if (fd_ >= 0) ::close(fd_);
    }

    /// The regular file that the target names, if it is below the root: also a link must not lead out of it.
    static open_file find(const fs::path& root, const std::string& target) {
        open_file f;
        try {
            const fs::path wanted = fs::canonical(root / from_target(target));
            const auto [at, end] = std::mismatch(root.begin(), root.end(), wanted.begin(), wanted.end());
            if (at != root.end()) return refused(http::status::forbidden);
            f.fd_ = ::open(wanted.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe must not hold us up
            if (f.fd_ < 0) return refused(status_of(errno));
        } catch (const std::invalid_argument&) {
            return refused(http::status::bad_request);
        } catch (const fs::filesystem_error& e) {
            return refused(status_of(e.code().value()));
        }
        struct stat what{};
        if (::fstat(f.fd_, &what) != 0 || !S_ISREG(what.st_mode)) return refused(http::status::not_found);
        f.size_ = static_cast<std::uintmax_t>(what.st_size);
        return f;
    }

    void read(std::span<std::byte> to) const {
        while (!to.empty()) {
            const ssize_t n = ::read(fd_, to.data(), to.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0)
                throw std::system_error(n == 0 ? EIO : errno, std::generic_category(), "a file that is being sent");
            to = to.subspan(static_cast<std::size_t>(n));
        }
    }
    static http::status status_of(int error) noexcept {
        switch (error) {
            case EACCES:
                return http::status::forbidden;
            case EMFILE:
            case ENFILE:
            case ENOMEM:
                return http::status::service_unavailable;
            default:
                return http::status::not_found;
        }
    }
    static open_file refused(http::status why) noexcept {
        open_file f;
        f.status_ = why;
        return f;
    }
    [[nodiscard]] std::uintmax_t size() const noexcept { return size_; }
    [[nodiscard]] http::status status() const noexcept { return status_; }

private:
    int fd_ = -1;
    std::uintmax_t size_ = 0;
    http::status status_ = http::status::ok;
};

// The response, with the body read in parts: as much memory for a large file as for a small one.
bide::task<> respond(http_connection& peer, const open_file& file, bool with_body, bool keep_alive) {
    http::response<http::buffer_body> response(file.status(), 11);
    response.content_length(file.size());
    response.keep_alive(keep_alive);
    auto& body = response.body();
    std::uintmax_t left = with_body ? file.size() : 0;
    std::vector<std::byte> part(std::min<std::uintmax_t>(left, 256 * 1024));
    http::serializer<false, http::buffer_body> message(response);
    do {
        const std::span<std::byte> now(part.data(), std::min<std::uintmax_t>(left, part.size()));
        if (!now.empty()) co_await bide::run(&open_file::read, std::cref(file), now);
        left -= now.size();
        body.data = now.empty() ? nullptr : now.data();
        body.size = now.size();
        body.more = left != 0;
        co_await peer.write(message);
    } while (left != 0);
}

bide::tcp_listener listen_on(std::uint16_t port) {
    const bide::ip_endpoint at = bide::ip_endpoint::loopback(port);
    try {
        return bide::tcp_listener::listen(at, {.backlog = 4096});  // many come at once
    } catch (const std::system_error& e) {
        throw std::runtime_error("cannot listen on " + at.to_string() + ": " + e.code().message());
    }
}

}  // namespace

file_server::file_server(fs::path root, std::uint16_t port, std::chrono::milliseconds delay)
    : root_(std::move(root)), delay_(delay), listener_(listen_on(port)), thread_("file server") {
    thread_.on_start([this] { return serve(); });
    thread_.start();
}

bide::task<> file_server::serve() {
    auto accept_all = [this](bide::scope& s) -> bide::task<> {
        for (;;) {
            auto peer = co_await bide::as_result(listener_.accept());
            if (peer.ok())
                s.start(&file_server::talk, this, std::move(peer.value));
            else
                co_await bide::sleep_for(50ms);  // no descriptor is free: one will be
        }
    };
    co_await bide::with_scope(accept_all);
}

// One client, from its first request to its last. What goes wrong with it (it went away, it does not speak HTTP) ends
// its connection, and concerns nobody else.
bide::task<> file_server::talk(bide::tcp_stream stream) {
    try {
        http_connection peer(std::move(stream));
        for (bool more = true; more;) {
            http::request_parser<http::empty_body> request;
            request.header_limit(64 * 1024);  // the longest path, 4096 bytes, is three times as long when it is escaped
            if (!co_await peer.read_header(request)) break;
            const http::verb verb = request.get().method();
            std::string target(request.get().target());
            more = request.is_done() && request.keep_alive();
            co_await bide::sleep_for(delay_);
            open_file file = open_file::refused(http::status::method_not_allowed);
            if (verb == http::verb::get || verb == http::verb::head)
                file = co_await bide::run(&open_file::find, std::cref(root_), std::move(target));
            co_await respond(peer, file, verb == http::verb::get, more);
        }
    } catch (const std::exception&) {}
}
