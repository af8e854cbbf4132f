// SPDX-License-Identifier: BSL-1.0
//
// tls_link: a tls_engine, the stream below it, and the tasks that carry bytes between the two.
//
// The peer can decrypt a record only if it has got all bytes before it. So encrypted bytes go through one buffer,
// to_send_, and leave it only when write_some of the stream below has taken them: if the sending task is cancelled, the
// next sending task goes on where it stood. The sending task holds `sending_` (W2).
//
// A reading task may have bytes to send too (an alert, changed keys). It does not wait until they are sent, because the
// peer may not read before it has sent: the reading task sends and receives at the same time, until it has received.
//
// Thread rule: as tls_stream: one reading and one writing task at a time (W1), on any threads.
#pragma once

#include <bide/as_result.hpp>
#include <bide/combine.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/io/tls/tls_engine.hpp>
#include <bide/detail/kernel/immediate_op.hpp>
#include <bide/io/stream.hpp>
#include <bide/sync/mutex.hpp>
#include <bide/time.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

inline constexpr wait_kind tls_kind{"tls"};
/// Checks for a stop request and spends a credit, for an operation that may complete without waiting.
[[nodiscard]] immediate_op tls_checkpoint() noexcept;

template <class S>
class tls_link {
public:
    tls_link(const tls_context& context, S below, bool server, const std::string& host)
        : below_(std::move(below)), engine_(context, server, host), received_(record) {}
    tls_link(const tls_link&) = delete;
    tls_link& operator=(const tls_link&) = delete;

    [[nodiscard]] tls_engine& engine() noexcept { return engine_; }
    [[nodiscard]] S& below() noexcept { return below_; }

    // Each of these keeps the link alive while it runs.
    using self = std::shared_ptr<tls_link>;

    static task<std::error_code> handshake(self l) {
        std::error_code unsent;
        for (;;) {
            const tls_engine::step s = l->engine_.handshake();
            if (s.error) {
                co_await l->last_words();
                co_return unsent&& s.error == tls_errc::handshake_cut ? unsent : s.error;
            }
            if (!s.wants_input && l->engine_.output_may_wait()) co_return unsent;
            // An error of sending does not end the handshake yet: the peer may have sent an alert that says why it
            // left.
            if (!unsent && l->engine_.has_output()) unsent = co_await l->send();
            if (!s.wants_input) co_return unsent;
            const std::error_code unheard = co_await l->receive();
            if (unheard) co_return unsent ? unsent : unheard;
        }
    }

    static task<result<std::size_t>> read(self l, std::span<std::byte> to, bool all) {
        reading under_way(l->engine_, to);
        co_await tls_checkpoint();
        while (under_way.done < to.size()) {
            const tls_engine::step s = l->engine_.read(to.subspan(under_way.done));
            under_way.done += s.count;
            if (s.error) {
                co_await l->last_words();
                co_return under_way.over(s.error);
            }
            if (s.ended) co_return under_way.over(all ? make_error_code(io_errc::end_of_stream) : std::error_code());
            if (s.count != 0) {
                if (!all) break;
                continue;
            }
            std::error_code unheard;
            if (l->engine_.has_output())
                unheard = co_await race(l->send_aside(), l->receive());
            else
                unheard = co_await l->receive();
            if (unheard) co_return under_way.over(unheard);
        }
        co_return under_way.over(std::error_code());
    }

    static task<result<std::size_t>> write(self l, std::span<const std::byte> from, bool all) {
        writing under_way(l->engine_);
        std::size_t done = 0;
        while (done < from.size()) {
            auto held = co_await l->sending_.lock();
            if (l->engine_.cut()) co_return under_way.over(io_errc::write_cut, done);
            const tls_engine::step s = l->engine_.write(from.subspan(done, std::min(batch, from.size() - done)));
            if (s.error) co_return under_way.over(s.error, done);
            under_way.begun = true;
            const std::error_code unsent = co_await l->drain();
            if (unsent) co_return under_way.over(unsent, done);
            done += s.count;
            if (!all) break;
        }
        co_return under_way.over(std::error_code(), done);
    }

    static task<std::error_code> finish(self l) {
        writing under_way(l->engine_);
        std::error_code unsent;
        {
            auto held = co_await l->sending_.lock();
            if (l->engine_.cut()) co_return io_errc::write_cut;  // an end would be a lie: data is missing
            unsent = l->engine_.end_output();
            if (!unsent) unsent = co_await l->drain();
        }
        if (unsent) co_return unsent;
        const std::error_code unended = co_await as_result(l->below_.finish());
        // Our end is announced. Many peers answer it by closing, and then the stream below has no side left to end.
        if (unended != std::errc::not_connected) co_return unended;
        co_return std::error_code();
    }

    static task<std::error_code> update_keys(self l) {
        writing under_way(l->engine_);
        auto held = co_await l->sending_.lock();
        if (l->engine_.cut()) co_return io_errc::write_cut;
        const std::error_code refused = l->engine_.update_keys();
        if (refused) co_return refused;
        co_return co_await l->drain();
    }

private:
    static constexpr std::size_t record =
        std::size_t{16} * 1024 + 512;                             // one record of the peer's, with what is around it
    static constexpr std::size_t batch = std::size_t{64} * 1024;  // so much is encrypted before it is sent

    /// Announces a reader to the engine. The destructor of a cancelled one gives back the bytes that it has read.
    struct reading {
        tls_engine& engine;
        std::span<std::byte> to;
        std::size_t done = 0;
        bool ended = false;
        reading(tls_engine& e, std::span<std::byte> t) : engine(e), to(t) { engine.begin_reading(); }
        reading(const reading&) = delete;
        reading& operator=(const reading&) = delete;
        ~reading() {
            if (!ended && done != 0) engine.give_back(to.first(done));
            engine.end_reading();
        }
        result<std::size_t> over(std::error_code error) noexcept {
            ended = true;
            return result<std::size_t>(error, done);
        }
    };
    /// Announces a writer to the engine. A writer that is cancelled after it has encrypted something has cut the
    /// stream.
    struct writing {
        tls_engine& engine;
        bool begun = false;
        explicit writing(tls_engine& e) : engine(e) { engine.begin_writing(); }
        writing(const writing&) = delete;
        writing& operator=(const writing&) = delete;
        ~writing() { engine.end_writing(begun); }
        result<std::size_t> over(std::error_code error, std::size_t done) noexcept {
            begun = false;
            return result<std::size_t>(error, done);
        }
    };

    /// Sends until nothing is left. The caller holds `sending_`. After an error of the stream below nothing is sent any
    /// more: the peer could not decrypt it.
    task<std::error_code> drain() {
        for (;;) {
            BIDE_ASSERT(W2, sending_.locked());
            if (unsendable_ || sent_ == to_send_.size()) {
                sent_ = 0;
                engine_.take_output(to_send_);
                if (to_send_.empty() || unsendable_) co_return unsendable_;
            }
            const result<std::size_t> part =
                co_await as_result(below_.write_some(std::span<const std::byte>(to_send_).subspan(sent_)));
            sent_ += part.value;
            unsendable_ = part.error;
        }
    }
    task<std::error_code> send() {
        auto held = co_await sending_.lock();
        co_return co_await drain();
    }
    /// For a reading task, which ignores the error: the next writing task gets it.
    task<std::error_code> send_aside() {
        static_cast<void>(co_await send());
        co_return std::error_code();
    }
    /// Sends the alert that tells the peer why this side leaves, if the stream below takes it within a second.
    task<> last_words() {
        if (!engine_.has_output()) co_return;
        try {
            static_cast<void>(co_await with_timeout(std::chrono::seconds(1), send()));
        } catch (const timed_out&) {}
    }
    task<std::error_code> receive() {
        const result<std::size_t> got = co_await as_result(below_.read_some(std::span<std::byte>(received_)));
        if (got.error) co_return got.error;
        if (got.value == 0)
            engine_.input_ended();
        else
            engine_.input(std::span<const std::byte>(received_).first(got.value));
        co_return std::error_code();
    }

    S below_;
    tls_engine engine_;
    mutex sending_;
    // The holder of sending_ uses these three:
    std::vector<std::byte> to_send_;
    std::size_t sent_ = 0;             // how much of to_send_ the stream below has taken
    std::error_code unsendable_;       // the error of the stream below, after which it takes no more
    std::vector<std::byte> received_;  // the reading task's
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
