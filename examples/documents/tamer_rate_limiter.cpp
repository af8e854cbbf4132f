// SPDX-License-Identifier: BSL-1.0
//
// async-tamer, the rate limiter: a task without an end lives in an outer scope that cancels what is unfinished; the
// requests live in an inner scope that waits for them. Each line shows the seconds since the start.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>

using namespace std::chrono_literals;

class rate_limiter {
public:
    bide::task<> make_tokens(std::chrono::seconds every) {
        for (;;) {
            co_await bide::sleep_for(every);
            tokens_ = std::min(tokens_ + 1, most_tokens);
        }
    }

    // All of it runs on one thread: between two awaits nobody else touches tokens_.
    bide::task<> take_token() {
        while (tokens_ == 0) co_await bide::yield_now();
        --tokens_;
    }

private:
    static constexpr int most_tokens = 3;  // a burst to begin with
    int tokens_ = most_tokens;
};

bide::task<> fake_request(rate_limiter& limiter, const bide::testing::virtual_time& time) {
    co_await limiter.take_token();
    std::cout << std::chrono::floor<std::chrono::seconds>(time.elapsed()).count() << " s Requesting...\n";
}

int main() {
    const bide::testing::virtual_time time;
    rate_limiter throttle;

    bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& service) {
        service.start(&rate_limiter::make_tokens, &throttle, 1s);

        bide::with_scope([&](bide::scope& batch) {
            for (int i = 0; i < 6; ++i) batch.start(fake_request, std::ref(throttle), std::cref(time));
        });  // here every request has been made
    });      // here the token maker has been cancelled
}
