// SPDX-License-Identifier: BSL-1.0
//
// address_race: connects to a host with several addresses ("happy eyeballs", RFC 8305). The functions that look up and
// connect are parameters, so that tests run the race in virtual time.
//
// The race looks up both families at once. The first attempt begins when the IPv6 addresses have arrived; or when the
// IPv4 addresses have arrived and the IPv6 look-up has had `resolution_delay` more. The families alternate, beginning
// with IPv6. The next attempt begins when the last one has failed or has run for `stagger`; the last one goes on. The
// first connection wins; the others are stopped and closed before run() gives the winner.
//
// Thread rule: run() runs on the executor of the awaiting task, and so do its children, on a pool in parallel. Only the
// body of the race changes its state; the children send it news by a channel.
#pragma once

#include <bide/detail/base/rules.hpp>
#include <bide/detail/scope/scope_core.hpp>
#include <bide/io/dns.hpp>
#include <bide/scope.hpp>
#include <bide/sync/channel.hpp>
#include <bide/time.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

/// The addresses that were not tried yet, by family.
class addresses_to_try {
public:
    void add(const std::vector<ip_endpoint>& some) {
        for (const ip_endpoint& e : some) (e.is_v6() ? v6_ : v4_).push_back(e);
    }
    [[nodiscard]] bool empty() const noexcept { return v6_.empty() && v4_.empty(); }
    [[nodiscard]] ip_endpoint take() {
        std::deque<ip_endpoint>& from = (six_is_next_ && !v6_.empty()) || v4_.empty() ? v6_ : v4_;
        const ip_endpoint e = from.front();
        from.pop_front();
        six_is_next_ = !e.is_v6();
        return e;
    }

private:
    std::deque<ip_endpoint> v6_;
    std::deque<ip_endpoint> v4_;
    bool six_is_next_ = true;
};

/// `Stream` is the type of a connection.
template <class Stream>
class address_race {
public:
    using found = result<std::vector<ip_endpoint>>;
    using lookup_function = std::function<task<found>(ip_family)>;
    using connect_function = std::function<task<result<Stream>>(ip_endpoint)>;
    using duration = std::chrono::steady_clock::duration;

    address_race(lookup_function lookup, connect_function connect, duration stagger, duration resolution_delay)
        : lookup_(std::move(lookup)),
          connect_(std::move(connect)),
          stagger_(stagger),
          resolution_delay_(resolution_delay) {}
    address_race(const address_race&) = delete;
    address_race& operator=(const address_race&) = delete;

    /// To be called once. The race outlives the task and is not moved.
    [[nodiscard]] task<result<Stream>> run() {
        loop& clock = (co_await this_frame_op())->ctx->ex->carrier();
        scope_options losers_are_stopped;
        losers_are_stopped.exit = exit_mode::cancel;
        co_await with_scope(losers_are_stopped, [&](scope& s) -> task<> { return body(s, clock); });
        std::optional<Stream> first = std::move(winner_);
        // Connections that succeeded at the same moment are still in the channel: they are closed here.
        while (std::optional<news> late = news_.try_receive()) {}
        if (first) co_return result<Stream>(std::error_code(), std::move(*first));
        co_return result<Stream>(why_none(), Stream());
    }

    /// Every failed attempt with its error, for a message.
    [[nodiscard]] const std::string& told() const noexcept { return told_; }

private:
    struct answer {
        ip_family family;
        found got;
    };
    struct attempt_end {
        ip_endpoint to;
        result<Stream> got;
    };
    using news = std::variant<answer, attempt_end>;
    using time_point = std::chrono::steady_clock::time_point;

    static task<> ask(address_race& race, ip_family family) {
        found got = co_await race.lookup_(family);
        news is(std::in_place_type<answer>, answer{family, std::move(got)});
        static_cast<void>(co_await race.news_.send(std::move(is)));
    }
    static task<> attempt_to(address_race& race, ip_endpoint to) {
        result<Stream> got = co_await race.connect_(to);
        news is(std::in_place_type<attempt_end>, attempt_end{to, std::move(got)});
        static_cast<void>(co_await race.news_.send(std::move(is)));
    }

    task<> body(scope& s, loop& clock) {
        s.start(&ask, std::ref(*this), ip_family::v6);
        s.start(&ask, std::ref(*this), ip_family::v4);
        while (!winner_) {
            const time_point now = clock.now();
            if (!left_.empty() && now >= next_) {
                ++running_;
                begun_ = true;
                s.start(&attempt_to, std::ref(*this), left_.take());
                next_ = now + stagger_;
                continue;
            }
            if (left_.empty() && running_ == 0 && answers_ == 2) co_return;
            std::optional<news> is;
            try {
                is = co_await with_deadline(left_.empty() ? time_point::max() : next_, news_.receive());
            } catch (const timed_out&) {  // the next attempt may begin
            }
            if (!is) continue;
            if (auto* a = std::get_if<answer>(&*is))
                take(*a, clock.now());
            else
                take(std::get<attempt_end>(*is), clock.now());
        }
    }
    void take(answer& a, time_point now) {
        BIDE_ASSERT(W8, answers_ < 2);
        ++answers_;
        left_.add(a.got.value);
        if (a.got.error) lookup_errors_.push_back(a.got.error);
        if (begun_) return;
        if (a.family == ip_family::v6) {
            six_is_known_ = true;
            next_ = now;
        } else {
            next_ = six_is_known_ ? now : now + resolution_delay_;
        }
    }
    void take(attempt_end& a, time_point now) {
        BIDE_ASSERT(W8, running_ > 0);
        --running_;
        if (!a.got.error) {
            winner_.emplace(std::move(a.got.value));
            return;
        }
        if (!first_error_) first_error_ = a.got.error;
        told_ += (told_.empty() ? "" : ", ") + a.to.to_string() + ": " + a.got.error.message();
        next_ = now;
    }
    // If one family has no addresses, and the look-up of the other has failed, that failure is the reason.
    [[nodiscard]] std::error_code why_none() const {
        if (first_error_) return first_error_;
        for (const std::error_code& e : lookup_errors_)
            if (e != dns_errc::no_data) return e;
        return dns_errc::no_data;
    }

    const lookup_function lookup_;
    const connect_function connect_;
    const duration stagger_;
    const duration resolution_delay_;
    channel<news> news_{8};
    addresses_to_try left_;
    std::optional<Stream> winner_;
    time_point next_{};  // the next attempt begins not before
    int answers_ = 0;
    int running_ = 0;
    bool begun_ = false;
    bool six_is_known_ = false;
    std::vector<std::error_code> lookup_errors_;
    std::error_code first_error_;
    std::string told_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
