// SPDX-License-Identifier: BSL-1.0
//
// splice_all: copy() between descriptors, without the bytes coming into the program: splice(2) through a pipe of its
// own.
//
// in(), out() and take() are tries: socket_state calls them without its lock, on the awaiting thread or on the thread
// of the watching loop. The pipe in the middle never blocks: it is empty before each move in, and a move in is no
// larger than it holds.
#include "io/no_sigpipe.hpp"

#include <bide/detail/io/splice.hpp>
#include <bide/io/descriptor.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

constexpr wait_kind splice_in_kind{"copy to have something to read"};
constexpr wait_kind splice_out_kind{"copy to have room to write"};

constexpr std::size_t at_a_time = std::size_t{64} << 10;  // what a pipe holds by default

/// Moves up to `most` bytes between the socket and the pipe in the middle. It waits for the socket only.
class splice_leaf : public socket_op {
public:
    splice_leaf(promise_base& p, socket_state& s, direction way, int pipe, std::size_t most) noexcept
        : socket_op(p, way == direction::in ? splice_in_kind : splice_out_kind, &s, way,
                    way == direction::in ? &splice_leaf::in : &splice_leaf::out),
          pipe_(pipe),
          most_(most) {}
    std::size_t await_resume() {
        end();
        if (error_) [[unlikely]]
            throw std::system_error(error_, "copy");
        return moved_;
    }

private:
    static attempt in(socket_op& op, int fd) noexcept {
        auto& self = static_cast<splice_leaf&>(op);
        self.error_ = self.socket_->poisoned(direction::in);
        if (!self.error_) self.error_ = self.socket_->take_failure();  // the system does not report it twice
        if (self.error_) return attempt::done;
        if (fd < 0) return attempt::blocked;
        return self.moved(self.move(fd, self.pipe_));
    }
    static attempt out(socket_op& op, int fd) noexcept {
        auto& self = static_cast<splice_leaf&>(op);
        self.error_ = self.socket_->poisoned(direction::out);
        if (self.error_) return attempt::done;
        no_sigpipe quiet;  // splice has no flag for it
        const ssize_t n = self.move(self.pipe_, fd);
        if (n < 0 && errno == EPIPE) quiet.raised();
        return self.moved(n);
    }
    ssize_t move(int from, int to) const noexcept {
        ssize_t n = 0;
        do {
            n = ::splice(from, nullptr, to, nullptr, most_, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        } while (n < 0 && errno == EINTR);
        return n;
    }
    attempt moved(ssize_t n) noexcept {
        if (n >= 0) {
            moved_ = static_cast<std::size_t>(n);
            return attempt::done;
        }
        if (would_block()) return attempt::blocked;
        error_ = last_error();
        return attempt::done;
    }

    int pipe_;
    std::size_t most_;
    std::size_t moved_ = 0;
};

class splice_op {
public:
    splice_op(socket_state& s, direction way, int pipe, std::size_t most) noexcept
        : socket_(&s), way_(way), pipe_(pipe), most_(most) {}
    [[nodiscard]] splice_leaf native_awaiter(promise_base& p) const noexcept {
        return splice_leaf(p, *socket_, way_, pipe_, most_);
    }

private:
    socket_state* socket_;
    direction way_;
    int pipe_;
    std::size_t most_;
};

/// Takes bytes that a cancelled read has given back, or that a ring has received ahead. It never waits.
class returned_leaf : public socket_op {
public:
    returned_leaf(promise_base& p, socket_state& s, std::vector<std::byte>& into) noexcept
        : socket_op(p, splice_in_kind, &s, direction::in, &returned_leaf::take), into_(into) {}
    std::size_t await_resume() {
        end();
        if (error_) [[unlikely]]
            throw std::system_error(error_, "copy");
        return n_;
    }

private:
    static attempt take(socket_op& op, int) noexcept {
        auto& self = static_cast<returned_leaf&>(op);
        self.n_ = self.socket_->take_received(self.into_);
        return attempt::done;
    }
    std::vector<std::byte>& into_;
    std::size_t n_ = 0;
};
class returned_op {
public:
    returned_op(socket_state& s, std::vector<std::byte>& into) noexcept : socket_(&s), into_(&into) {}
    [[nodiscard]] returned_leaf native_awaiter(promise_base& p) const noexcept {
        return returned_leaf(p, *socket_, *into_);
    }

private:
    socket_state* socket_;
    std::vector<std::byte>* into_;
};

}  // namespace

task<std::uint64_t> splice_all(socket_state& from, socket_state& to) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::system_error(last_error(), "pipe");
    const owned_descriptor out(ends[0]);
    const owned_descriptor in(ends[1]);
    std::uint64_t all = 0;
    // First the bytes that are not in the kernel any more. They go through the pipe, too.
    std::vector<std::byte> before(std::size_t{4} << 10);
    bool kept = true;
    bool end = false;
    while (!end) {
        std::size_t n = 0;
        if (kept) {
            n = co_await returned_op(from, before);
            kept = n != 0;
        }
        if (n != 0) {
            if (::write(in.get(), before.data(), n) != static_cast<ssize_t>(n))  // an empty pipe takes a page whole
                throw std::system_error(last_error(), "copy");
        } else {
            n = co_await splice_op(from, direction::in, in.get(), at_a_time);
            end = n == 0;
        }
        for (std::size_t left = n; left != 0;) {
            const std::size_t moved = co_await splice_op(to, direction::out, out.get(), left);
            left -= moved;
        }
        all += n;
    }
    co_return all;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
