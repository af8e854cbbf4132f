// SPDX-License-Identifier: BSL-1.0
// class: order and number of evaluations in expressions with co_await
#include "check.hpp"

static int looked;
struct looker {
    bool result;
    tracked t;
    explicit looker(bool r) : result(r) {}
    bool await_ready() {
        ++looked;
        return false;
    }
    void await_suspend(std::coroutine_handle<> h) { parked = h; }
    bool await_resume() const { return result; }
};
static int three(const tracked& t, int a, int b) {
    t.use();
    return a + b;
}
CASE(and_short) {
    bool no = false;
    if (no && co_await looker(true)) expect(false);
    expect(looked == 0);
}
CASE(or_short) {
    bool yes = true;
    if (yes || co_await looker(true))
        expect(looked == 0);
    else
        expect(false);
}
CASE(and_of_awaits) {
    bool b = co_await looker(false) && co_await looker(true);
    expect(!b && looked == 1);
}
CASE(mixed) {
    bool yes = true;
    bool b = (yes || co_await looker(true)) && (!yes || co_await looker(false));
    expect(!b && looked == 1);
}
CASE(conditional_of_numbers) {
    bool yes = true;
    int x = yes ? 1 : (co_await looker(true) ? 2 : 3);
    expect(x == 1 && looked == 0);
    int y = !yes ? 1 : (co_await looker(true) ? 2 : 3);
    expect(y == 2 && looked == 1);
}
CASE(conditional_of_void) {
    bool yes = true;
    yes ? static_cast<void>(co_await take(tracked())) : static_cast<void>(co_await take_reference(tracked()));
}
CASE(sum) { expect(co_await take(tracked()) + co_await take(tracked()) == 2); }
CASE(arguments) { expect(three(tracked(), co_await take(tracked()), co_await take_reference(tracked())) == 2); }
CASE(comma) {
    int r = (tracked(), co_await number(1), co_await take_reference(tracked()));
    expect(r == 1);
}
CASE(compound_assignment) {
    int s = 0;
    s += co_await take(tracked());
    expect(s == 1);
}
template <class... A>
static task<int> fold(A... a) {
    int sum = 0;
    ((sum += co_await take(a)), ...);
    co_return sum;
}
CASE(pack) { expect(co_await fold(tracked(), tracked(), tracked()) == 3); }
static task<int> conditional_return(bool first) {
    tracked x;
    co_return first ? co_await take(x) : co_await take(tracked());
}
CASE(conditional_in_co_return) { expect(co_await conditional_return(true) + co_await conditional_return(false) == 2); }
