// SPDX-License-Identifier: BSL-1.0
//
// Writes a task in words. The wait graph, the report of a stall, the debug view and the messages of a user's mistakes
// call it, on the thread of the task's executor.
#include "kernel/describe.hpp"

#include <bide/detail/kernel/leaf.hpp>

#include <cstring>

namespace bide {
inline namespace v0 {
namespace detail {

suspension_point::suspension_point(const task_node& n) noexcept : frame(n.in_foreign_code()) {
    if (frame != nullptr) return;
    const leaf_base* const at = n.active->stop->parked();
    if (at == nullptr) return;
    frame = at->frame;
    what = at->kind->what;
}

std::string name_of(const task_node& n, place_writer place) {
    if (n.kind == task_kind::wait) return "the wait() at " + place(n.started);
    return std::string(to_string(n.kind)) + " #" + std::to_string(n.id) + " started at " + place(n.started);
}

std::string waits_for(const char* what) {
    if (what == nullptr) return "waits for code that bide does not know";
    const bool vowel = std::strchr("aeiou", *what) != nullptr;
    return std::string(vowel ? "waits for an " : "waits for a ") + what;
}

std::string frame_text(const promise_base& p, place_writer place) {
    return std::string(p.origin.function_name()) + " at " + place(p.where);
}

std::string describe(const task_node& n, const suspension_point& at, const description_style& style) {
    std::string text = name_of(n, style.place);
    if (n.stop.requested()) text += std::string(" (stop requested: ") + to_string(n.stop.reason()) + ")";
    if (at.frame == nullptr) return text + " is ready, runs, or waits for the tasks below";
    text += " " + waits_for(at.what);
    const promise_base* p = at.frame;
    for (int i = 0; p != nullptr && i < style.frames; p = p->result_slot->waiting_frame(), ++i)
        text += style.new_line + ("in " + frame_text(*p, style.place));
    if (p != nullptr) text += std::string(style.new_line) + "…";
    return text;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
