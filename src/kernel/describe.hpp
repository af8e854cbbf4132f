// SPDX-License-Identifier: BSL-1.0
//
// A task in words, for messages and for the debug view: which one it is, where it is suspended, and what it waits for.
//
//     const suspension_point at(node);
//     describe(node, at, {&place_of, "\n    ", 16})
//
//     task #1027 started at crawl.cpp:41 waits for a sleep
//         in bide::task<> fetch(std::string) at crawl.cpp:17
//         in bide::task<> crawl(std::string) at crawl.cpp:30
//
// Thread rule: suspension_point and describe() read the task's frames, so they are called on the thread of the task's
// executor, or while nothing can resume the task. name_of() reads only what never changes. Lifetime rule: the caller
// keeps the node alive; nothing is referred to after the call. Cancellation: none of them waits. Errors: std::bad_alloc.
#pragma once

#include "base/place.hpp"

#include <bide/detail/kernel/task_node.hpp>

#include <source_location>
#include <string>

namespace bide {
inline namespace v0 {
namespace detail {

using place_writer = std::string (*)(const std::source_location& at);  // place_of or short_place_of

/// Where a chain is suspended, and for what. Another thread may claim the leaf at any time; but on the thread of the
/// chain's executor neither the frame is resumed nor the leaf gone meanwhile.
struct suspension_point {
    const promise_base* frame = nullptr;  // the innermost; null: it runs, is ready, or waits for tasks below it
    const char* what = nullptr;  // what the frame waits for; null: code that bide does not know, which may have
                                 // resumed the frame already: the frame is queued then, and runs soon
    explicit suspension_point(const task_node& n) noexcept;
};

struct description_style {
    place_writer place;
    const char* new_line;  // before each frame
    int frames;            // the most that are shown
};

/// "task #7 started at x.cpp:12"; "the wait() at x.cpp:12".
[[nodiscard]] std::string name_of(const task_node& n, place_writer place);
/// "waits for an event"; with null "waits for code that bide does not know".
[[nodiscard]] std::string waits_for(const char* what);
/// "task<> f() at x.cpp:12".
[[nodiscard]] std::string frame_text(const promise_base& p, place_writer place);
/// The name, a stop request, what the chain waits for, and its frames from the innermost one outwards.
[[nodiscard]] std::string describe(const task_node& n, const suspension_point& at, const description_style& style);

}  // namespace detail
}  // namespace v0
}  // namespace bide
