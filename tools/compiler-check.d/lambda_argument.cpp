// SPDX-License-Identifier: BSL-1.0
// class: a lambda temporary that captures an object, in a co_await expression
// remedy: name the lambda in a statement of its own, capture by reference, or pass what it captures as arguments
#include "check.hpp"

#include <functional>
#include <string>

CASE(by_value) {
    tracked x;
    co_await call([x] {
        x.use();
        return 1;
    });
}
CASE(by_reference_parameter) {
    tracked x;
    co_await call_by_reference([x] {
        x.use();
        return 1;
    });
}
CASE(moved_in) {
    tracked x;
    co_await call([x = std::move(x)] {
        x.use();
        return 1;
    });
}
CASE(string_captured) {
    tracked x;
    std::string text(100, 'x');
    co_await call([text, x] {
        x.use();
        return static_cast<int>(text.size());
    });
}
CASE(in_a_std_function) {
    tracked x;
    co_await call(std::function<int()>([x] {
        x.use();
        return 1;
    }));
}
CASE(that_is_a_coroutine) {
    tracked x;
    co_await call_coroutine([x]() -> task<int> {
        co_await park();
        x.use();
        co_return 1;
    });
}
CASE(that_is_a_coroutine_with_three_captures) {
    tracked x, y;
    int n = 1;
    co_await call_coroutine([x, &y, n]() -> task<int> {
        co_await park();
        x.use();
        y.use();
        co_return n;
    });
}
template <class F>
class holder {
public:
    explicit holder(F&& f) : f_(std::move(f)) {}
    int operator()() { return f_(); }

private:
    F f_;
};
CASE(wrapped_by_a_constructor) {
    tracked x;
    co_await call(holder([x] {
        x.use();
        return 1;
    }));
}
template <class F>
holder<F> hold(F f) {
    return holder<F>(std::move(f));
}
CASE(wrapped_by_a_function) {
    tracked x;
    co_await call(hold([x] {
        x.use();
        return 1;
    }));
}
static int plain(const auto& f) { return f(); }
CASE(of_a_plain_function_beside_an_await) {
    tracked x;
    int n = plain([x] {
                x.use();
                return 1;
            }) +
            co_await number(1);
    expect(n == 2);
}
