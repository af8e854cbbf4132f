// SPDX-License-Identifier: BSL-1.0
// What tools/lint has to leave alone: right with every compiler.
#include <bide/bide.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using bide::task;
using namespace std::chrono_literals;

struct request {
    std::string host;
    int port = 80;
};
struct options {
    std::string_view host;
    std::span<const int> list;
    std::chrono::nanoseconds limit{};
};
class constructed {
public:
    constructed() = default;
    explicit constructed(std::string s) : s_(std::move(s)) {}

private:
    std::string s_;
};
task<int> ask(request) { co_return 1; }
task<int> ask_options(options = {}) { co_return 1; }
task<int> ask_constructed(constructed = {}) { co_return 1; }
task<int> length(std::string text = "") { co_return static_cast<int>(text.size()); }
task<int> sum(std::vector<int>) { co_return 1; }
task<std::string> name() { co_return "name"; }
template <class F>
task<int> call(F f) {
    co_return f();
}
request make_request() { return request{"host", 1}; }

task<> lambdas(bide::scope& s) {
    std::string text;
    int n = 1;
    n += co_await call([] { return 1; });
    n += co_await call([n] { return n; });
    n += co_await call([&text] { return static_cast<int>(text.size()); });
    n += co_await call(std::bind_front([](const std::string&) { return 1; }, text));
    auto named = [text] { return 1; };
    n += co_await call(named);
    n += co_await call(std::move(named));
    auto started = call([text] { return 1; });
    n += co_await std::move(started);
    s.start([text]() -> task<> { co_return; });
    s.start([](std::string t) -> task<> { co_await length(std::move(t)); }, text);
    n += co_await s.start([](std::string t) -> task<int> { co_return static_cast<int>(t.size()); }, text);
    // A lambda in the body of another, which is in the co_await: its own full expressions count.
    co_await bide::with_scope([&](bide::scope& inner) -> task<> {
        auto f = inner.start([text]() -> task<int> { co_return 1; });
        n += co_await f;
    });
    n += co_await call([text] { return 1; });  // NOLINT(await): passed over
}

task<> aggregates() {
    request r{"host", 1};
    int n = co_await ask(r);
    n += co_await ask(std::move(r));
    n += co_await ask(make_request());
    n += co_await ask_options({.host = "h", .limit = 1s});
    n += co_await ask_options();
    n += co_await ask_constructed();
    n += co_await ask_constructed({});
    n += co_await ask_constructed(constructed("text"));
    n += co_await length();
    n += co_await length({});
    struct numbers {
        int a, b;
    } both{co_await length("a"), co_await length("b")};
    n += both.a;
    int list[] = {co_await length("a"), co_await length("b")};
    n += list[0];
    co_await bide::sleep_for(std::chrono::milliseconds{n});
}

task<> conditionals(bool first) {
    std::string text, other;
    co_await length(first ? "a" : "b");
    co_await length(first ? text : other);
    int n = first ? co_await length("a") : 3;
    std::string chosen = first ? text : std::string("b");
    if (first)
        co_await length(chosen);
    else
        co_await length(std::to_string(n));
}

task<> lists() {
    std::vector<int> v{1, 2};
    co_await sum(v);
    co_return;
}

task<int> many_conditions_and_a_variable(int n) {
    const int wanted = n;
    if (co_await length("1") == wanted) co_return 1;
    if (co_await length("2") == wanted) co_return 2;
    if (co_await length("3") == wanted) co_return 3;
    if (co_await length("4") == wanted) co_return 4;
    if (co_await length("5") == wanted) co_return 5;
    if (co_await length("6") == wanted) co_return 6;
    if (co_await length("7") == wanted) co_return 7;
    if (co_await length("8") == wanted) co_return 8;
    if (co_await length("9") == wanted) co_return 9;
    co_return 0;
}
task<> eight_conditions(int n) {
    if (co_await length("1") == n) co_return;
    if (co_await length("2") == n) co_return;
    if (co_await length("3") == n) co_return;
    if (co_await length("4") == n) co_return;
    if (co_await length("5") == n) co_return;
    if (co_await length("6") == n) co_return;
    if (co_await length("7") == n) co_return;
    if (co_await length("8") == n) co_return;
}
