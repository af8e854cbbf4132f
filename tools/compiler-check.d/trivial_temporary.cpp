// SPDX-License-Identifier: BSL-1.0
// class: lambdas and classes without constructors that hold nothing to be destroyed, in a co_await expression
#include "check.hpp"

#include <chrono>
#include <string_view>

struct options {
    std::string_view host;
    int port = 0;
    std::chrono::nanoseconds limit{};
};
static task<int> take_options(options o = {}) {
    co_await park();
    expect(o.host == "h" || o.host.empty());
    co_return o.port;
}
CASE(options_designated) { expect(co_await take_options({.host = "h", .port = 3}) == 3); }
CASE(options_default) { expect(co_await take_options() == 0); }
CASE(lambda_without_captures) {
    co_await call([] { return 1; });
}
CASE(lambda_with_references) {
    tracked x;
    co_await call([&] {
        x.use();
        return 1;
    });
}
CASE(lambda_coroutine_with_references) {
    tracked x;
    co_await call_coroutine([&]() -> task<int> {
        co_await park();
        x.use();
        co_return 1;
    });
}
CASE(lambda_with_numbers) {
    int x = 1;
    double d = 2;
    expect(co_await call([x, d] { return x + static_cast<int>(d); }) == 3);
}
