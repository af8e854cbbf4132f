// SPDX-License-Identifier: BSL-1.0
//
// debug::dump: prints every living task as a tree: where it was started, at which line it is suspended, what it waits
// for.
//
//     bide::debug::dump(std::cerr);
//
//     task #1027 started at crawl.cpp:41 waits for a sleep
//         in bide::task<> fetch(std::string) at crawl.cpp:17
//         in bide::task<> crawl(std::string) at crawl.cpp:30
//
// Every build keeps what the dump needs: the function of a coroutine, the line of the co_await at which it is suspended
// (one store per await), the leaf at which it waits, a list of the living tasks. It does not show local variables. Of a
// task that is suspended in an awaitable of other code it says "waits for code that bide does not know", with the line.
//
// Thread rule: any thread may call it. The calling thread describes the loops that it runs itself. Every other loop
//   describes itself, on its own thread, and has `patience` in all to answer; of a loop that does not answer (it is
//   blocked, or does not run) the dump says so. Of tasks that an executor of the user's runs it gives number and place
//   of start only, because only the executor may look into them; likewise of a task that has moved to another executor
//   by resume_on.
// Lifetime rule: nothing is referred to after the call.
// Cancellation: the call blocks its thread and is not cancelled.
// Errors: what the stream throws; std::bad_alloc. A loop without memory for its answer gives none.
// Units: `patience` in milliseconds.
#pragma once

#include <chrono>
#include <iosfwd>

namespace bide {
inline namespace v0 {
namespace debug {

/// Prints the tasks of all executors. Blocks the calling thread for at most `patience`, for the answers of other
/// threads.
void dump(std::ostream& out, std::chrono::milliseconds patience = std::chrono::milliseconds(200));

}  // namespace debug
}  // namespace v0
}  // namespace bide
