// SPDX-License-Identifier: BSL-1.0
//
// debug::dump: every task that is alive, as a tree: who started it where, where it stands, what it waits for.
//
//     bide::debug::dump(std::cerr);
//
//     task #1027 started at crawl.cpp:41
//         in bide::task<> fetch(std::string) at crawl.cpp:17, waits for a sleep
//         in bide::task<> crawl(std::string) at crawl.cpp:30
//
// What it needs is kept always, in every build: the coroutine's function and the line of the co_await at which it
// stands (one store per await), the leaf that it waits at, a list of what is alive.
//
// Thread rule: from any thread. The loop that this thread runs is looked at directly; another loop is asked to describe
// itself and has `patience` to answer (one that is blocked does not, and that is said). Tasks of an executor of your
// own are listed by name only: nobody but it may look into them. Limits: local variables are not shown.
#pragma once

#include <chrono>
#include <iosfwd>

namespace bide {
inline namespace v0 {
namespace debug {

void dump(std::ostream& out, std::chrono::milliseconds patience = std::chrono::milliseconds(200));

}  // namespace debug
}  // namespace v0
}  // namespace bide
