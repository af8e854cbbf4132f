// SPDX-License-Identifier: BSL-1.0
// class: temporaries of classes with a constructor, in a co_await expression
#include "check.hpp"

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <variant>

static task<int> not_used(tracked) { co_return 1; }
template <class T>
static task<int> take_any(T) {
    co_await park();
    co_return 1;
}
static task<int> lengths(std::string a, std::string b) {
    co_await park();
    co_return static_cast<int>(a.size() + b.size());
}
class options {
public:
    options() = default;
    options& port(int n) & {
        port_ = n;
        return *this;
    }
    options&& port(int n) && {
        port_ = n;
        return std::move(*this);
    }
    tracked t;

private:
    int port_ = 0;
};
static task<int> take_options(options o = {}) {
    co_await park();
    o.t.use();
    co_return 1;
}
static task<int> take_pair(std::pair<tracked, tracked> p) {
    co_await park();
    p.first.use();
    p.second.use();
    co_return 1;
}
static task<int> take_tuple(std::tuple<tracked, int> t) {
    co_await park();
    std::get<0>(t).use();
    co_return 1;
}
static task<int> take_optional(std::optional<tracked> o) {
    co_await park();
    o->use();
    co_return 1;
}
static task<int> take_variant(std::variant<int, tracked> v) {
    co_await park();
    std::get<1>(v).use();
    co_return 1;
}
CASE(by_value) { co_await take(tracked()); }
CASE(by_reference) { co_await take_reference(tracked()); }
CASE(never_used) { co_await not_used(tracked()); }
CASE(strings) {
    int n = co_await lengths("a text that is long enough to be on the heap", std::string(50, 'x') + "y");
    expect(n == 95);
}
CASE(pair) { co_await take_pair({tracked(), tracked()}); }
CASE(make_pair) { co_await take_pair(std::make_pair(tracked(), tracked())); }
CASE(tuple) { co_await take_tuple({tracked(), 1}); }
CASE(optional) { co_await take_optional(tracked()); }
CASE(variant) { co_await take_variant(tracked()); }
CASE(unique_ptr) { co_await take_any(std::make_unique<tracked>()); }
CASE(shared_ptr) { co_await take_any(std::make_shared<tracked>()); }
CASE(std_function) {
    co_await take_any(std::function<int()>([] { return 1; }));
}
CASE(bind_front) {
    co_await call(std::bind_front(
        [](const tracked& t) {
            t.use();
            return 1;
        },
        tracked()));
}
CASE(options_braces) { co_await take_options({}); }
CASE(options_default) { co_await take_options(); }
CASE(options_chained) { co_await take_options(options().port(4)); }
struct awaiter {
    tracked t;
    explicit awaiter(tracked other) : t(std::move(other)) {}
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> h) { parked = h; }
    int await_resume() {
        t.use();
        return 1;
    }
};
CASE(awaiter_with_constructor) { co_await awaiter(tracked()); }
