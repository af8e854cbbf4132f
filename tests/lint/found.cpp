// SPDX-License-Identifier: BSL-1.0
// What tools/lint has to find: on every line that says so, and on no other.
#include <bide/bide.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using bide::task;

// Each finding on one line.
// clang-format off

struct request {
    std::string host;
    int port = 80;
};
struct nested {
    std::optional<request> first;
    int n = 0;
};
task<int> ask(request) { co_return 1; }
task<int> ask_by_reference(const request&) { co_return 1; }
task<int> ask_by_default(request = {}) { co_return 1; }
task<int> ask_nested(nested) { co_return 1; }
task<int> length(std::string text) { co_return static_cast<int>(text.size()); }
task<int> sum(std::vector<int>) { co_return 1; }
task<int> sum_of_map(std::map<int, std::string>) { co_return 1; }
task<std::string> name() { co_return "name"; }
template <class F> task<int> call(F f) { co_return f(); }
template <class F> int call_now(F f) { return f(); }
task<int> arrays(std::array<std::string, 2>) { co_return 1; }

task<> lambdas(bide::scope& s) {
    std::string text;
    auto shared = std::make_shared<int>(1);
    int n = co_await s.start([text]() -> task<int> { co_return static_cast<int>(text.size()); });  // found: lambda
    n += co_await call([shared] { return *shared; });                                              // found: lambda
    n += co_await call([text = std::move(text), &n] { return n + static_cast<int>(text.size()); });  // found: lambda
    n += co_await call(std::function<int()>([shared] { return *shared; }));                        // found: lambda
    n += call_now([shared] { return *shared; }) + co_await length("");                             // found: lambda
    co_await [shared]() -> task<> { co_return; }();                                                // found: lambda
}

task<> aggregates() {
    int n = co_await ask({"host", 1});                   // found: aggregate
    n += co_await ask(request{"host", 1});               // found: aggregate
    n += co_await ask({.host = "host"});                 // found: aggregate
    n += co_await ask_by_reference({.port = 1});         // found: aggregate
    n += co_await ask_by_default();                      // found: default
    n += co_await ask_nested(nested{});                  // found: aggregate
    n += co_await arrays({"a", "b"});                    // found: aggregate
    request r{co_await name(), 1};                       // found: aggregate
    request p(co_await name(), n);                       // found: aggregate
    std::string all[] = {co_await name(), co_await name()};  // found: aggregate
}

task<> conditionals(bool first) {
    std::string text;
    co_await length(first ? std::string("a") : std::string("b"));  // found: conditional
    co_await length(first ? text : std::string("b"));              // found: conditional
    co_await (first ? length("a") : length("b"));                  // found: conditional
    std::string a = first ? co_await name() : std::string();       // found: conditional
    std::string b = first ? co_await name() : co_await name();     // found: conditional
}

task<> lists() {
    co_await sum({1, 2});                                       // found: list
    co_await sum_of_map({{1, "a"}});                            // found: list
    std::vector<int> v{co_await length(""), co_await length("")};  // found: list
}

// In a template, where it is instantiated.
template <class T> task<int> generic(T value) {
    co_return co_await call([value] { return static_cast<int>(value.size()); });  // found: lambda
}
task<int> uses_it() { return generic(std::string("x")); }

// In a lambda that is a coroutine.
void in_a_scope() {
    bide::with_scope([](bide::scope& s) {
        s.start([]() -> task<> {
            std::string text;
            co_await call([text] { return 1; });  // found: lambda
        });
    });
}

task<int> many_conditions(int n) {
    if (co_await length("1") == n) co_return 1;
    if (co_await length("2") == n) co_return 2;
    while (co_await length("3") == n) co_return 3;
    for (; co_await length("4") == n;) co_return 4;
    do co_return 5;
    while (co_await length("5") == n);
    if (co_await length("6") == n) co_return 6;
    if (co_await length("7") == n) co_return 7;
    if (co_await length("8") == n) co_return 8;
    if (co_await length("9") == n) co_return 9;  // found: conditions
    co_return 0;
}
task<int> many_switches() {
    switch (co_await length("1")) {
        default:
            break;
    }
    switch (co_await length("2")) {
        default:
            break;
    }
    switch (co_await length("3")) {  // found: conditions
        default:
            break;
    }
    co_return 0;
}

task<std::size_t> size();
task<int> a_wide_switch_and_more() {
    switch (co_await size()) {
        default:
            break;
    }
    if (co_await length("1") == 1) co_return 1;  // found: conditions
    co_return 0;
}
void many_conditions_in_a_lambda() {
    int outside = 0;
    bide::with_scope([&outside](bide::scope& s) {
        s.start([&outside]() -> task<> {
            if (co_await length("1") == outside) co_return;
            if (co_await length("2") == outside) co_return;
            if (co_await length("3") == outside) co_return;
            if (co_await length("4") == outside) co_return;
            if (co_await length("5") == outside) co_return;
            if (co_await length("6") == outside) co_return;
            if (co_await length("7") == outside) co_return;
            if (co_await length("8") == outside) co_return;
            if (co_await length("9") == outside) co_return;  // found: conditions
        });
    });
}
