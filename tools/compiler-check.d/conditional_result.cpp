// SPDX-License-Identifier: BSL-1.0
// class: a conditional operator of class type with a co_await in an arm
// remedy: write if and else
#include "check.hpp"

#include <string>

static task<> one_arm(bool first) {
    tracked r = first ? co_await make_tracked() : tracked();
    r.use();
}
static task<> both_arms(bool first) {
    tracked r = first ? co_await make_tracked() : co_await make_tracked();
    r.use();
}
static task<int> as_argument(bool first) { co_return co_await take(first ? co_await make_tracked() : tracked()); }
CASE(one_arm_taken) { co_await one_arm(true); }
CASE(one_arm_not_taken) { co_await one_arm(false); }
CASE(both_arms_first) { co_await both_arms(true); }
CASE(both_arms_second) { co_await both_arms(false); }
CASE(as_argument_first) { co_await as_argument(true); }
CASE(as_argument_second) { co_await as_argument(false); }
