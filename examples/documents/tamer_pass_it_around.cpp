// SPDX-License-Identifier: BSL-1.0
//
// async-tamer, a result that is passed around before it is there: another task awaits it, plain code looks at it, then
// waits for it.
#include <bide/bide.hpp>
#include <bide/testing/virtual_time.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

using answer = std::pair<int, std::string>;

bide::task<answer> request(std::chrono::milliseconds delay) {
    co_await bide::sleep_for(delay);
    co_return answer(200, "You are awesome!");
}

bide::task<answer> post_process(bide::future<answer> raw) {
    auto [status, text] = co_await raw;
    const auto last_word = text.rfind(' ') + 1;
    co_return answer(status, text.substr(0, last_word) + "very " + text.substr(last_word));
}

int main() {
    const bide::testing::virtual_time time;

    bide::with_scope([](bide::scope& s) {
        auto raw = s.start(request, 100ms);
        auto result = s.start(post_process, raw);

        try {
            result.value();  // never waits
        } catch (const bide::not_ready&) {
            std::cout << "scope > result: Not yet available.\n";
        }

        const auto& [status, text] = result.wait();  // waits, and the scope's tasks go on meanwhile
        std::cout << "scope > result: Status " << status << ": `" << text << "`\n";
    });
}
