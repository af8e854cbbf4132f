// SPDX-License-Identifier: BSL-1.0
//
// The search for stalls. The thread that runs a loop calls it before and after a sleep that nothing known to the loop
// will end. It looks at the tasks of this loop only: they end on this thread, and so they stay while it looks.
#include "kernel/describe.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/deadlock/wait_graph.hpp>
#include <bide/detail/kernel/leaf.hpp>
#include <bide/detail/loop/loop_access.hpp>
#include <bide/detail/loop/stall.hpp>
#include <bide/hooks.hpp>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

constexpr std::size_t tasks_shown = 8;
constexpr int frames_shown = 16;
constexpr std::chrono::hours longest_quiet{1};
constexpr std::chrono::hours longest_delay{24 * 365};  // more is never

// What lives on a loop, seen on its own thread: nodes of the loop end on it, so that they stay while one looks.
class survey {
public:
    explicit survey(loop& l) : loop_(l), mine_(loop_access::loops_of_this_thread()) {
        live_access::visit([](executor* ex, void* with) { static_cast<survey*>(with)->look(ex); }, this);
        for (const task_node* n : nodes_) ++children_[n->parent];
        find();
    }

    /// The tasks that wait for what has no owner; empty when there is none, or something else may come.
    [[nodiscard]] const std::vector<const task_node*>& stalled() const noexcept { return stalled_; }
    /// Tasks live on other threads.
    [[nodiscard]] bool others() const noexcept { return others_; }

private:
    // Under the lock of the list of executors.
    void look(executor* ex) {
        for (; ex != nullptr; ex = live_access::after(*ex)) {
            live_list& list = live_access::of(*ex);
            const bool here = ex->runs_on(loop_);
            if (here) here_.push_back(ex);
            const lock_guard guard(list.lock);
            if (here)
                for (const task_node* n = list.first; n != nullptr; n = n->next) nodes_.push_back(n);
            else if (list.first != nullptr && !is_blocked(*ex))
                others_ = true;
        }
    }
    // The loops further out on this stack cannot do anything.
    [[nodiscard]] bool is_blocked(const executor& ex) const {
        return std::any_of(mine_.begin(), mine_.end(), [&](const loop* l) { return ex.runs_on(*l); });
    }
    [[nodiscard]] bool is_here(const executor* ex) const {
        return std::find(here_.begin(), here_.end(), ex) != here_.end();
    }
    // Whether tasks of that node, other than `except`, live here.
    [[nodiscard]] bool has_tasks(const task_node* n, const task_node* except) const {
        const auto found = children_.find(n);
        if (found == children_.end()) return false;
        return found->second > (except->parent == n ? 1U : 0U);
    }

    enum class waits_for : std::uint8_t { others_here, nobody, something };
    [[nodiscard]] waits_for look_at(const task_node& n) const {
        if (n.migrates || n.active->deadline != time_point::max()) return waits_for::something;
        const leaf_base* const at = n.active->stop->parked();
        if (at == nullptr) {  // for its children, or it has something to do
            if (n.in_foreign_code() != nullptr) return waits_for::nobody;
            const task_node* const whose = n.at_end_of() != nullptr ? n.at_end_of() : &n;
            return has_tasks(whose, &n) ? waits_for::others_here : waits_for::something;
        }
        if (at->kind->object_is_node) {
            const auto* const scope = static_cast<const task_node*>(static_cast<const leaf*>(at)->object);
            return has_tasks(scope, &n) ? waits_for::others_here : waits_for::something;
        }
        const wait_ender by = ender_of(n);
        if (by.somebody) return is_here(by.ex) ? waits_for::others_here : waits_for::something;
        return at->kind->without_owner ? waits_for::nobody : waits_for::something;
    }
    void find() {
        for (const task_node* n : nodes_) switch (look_at(*n)) {
                case waits_for::others_here:
                    break;
                case waits_for::nobody:
                    stalled_.push_back(n);
                    break;
                case waits_for::something:
                    stalled_.clear();
                    return;
            }
    }

    loop& loop_;
    const std::vector<const loop*> mine_;
    std::vector<const executor*> here_;
    std::vector<const task_node*> nodes_;
    std::unordered_map<const task_node*, unsigned> children_;
    std::vector<const task_node*> stalled_;
    bool others_ = false;
};

void say(const survey& found, const std::string& begin) {
    std::string text = begin;
    std::size_t shown = 0;
    for (const task_node* n : found.stalled()) {
        if (shown++ == tasks_shown) {
            text += "\n  … and " + std::to_string(found.stalled().size() - tasks_shown) + " more";
            break;
        }
        const suspension_point at(*n);
        if (at.frame == nullptr) continue;  // another thread has completed the wait meanwhile
        text += "\n  " + describe(*n, at, {&place_of, "\n    ", frames_shown});
    }
    text +=
        "\nRemedy: see that the code that is to end it (sets the event, sends to or closes the channel, releases the "
        "semaphore, arrives at the latch or barrier, notifies the condition, completes the promise, resumes the "
        "foreign "
        "coroutine) runs, and was started before the wait; or give the wait an end by with_timeout. If a thread that "
        "bide does not know will end it, nothing is wrong.";
    report(text);
}

}  // namespace

std::chrono::milliseconds time_until_look(stall_watch& watch) noexcept {
    const std::chrono::milliseconds delay = stall_delay();
    if (delay > longest_delay) return std::chrono::milliseconds::max();
    const auto now = std::chrono::steady_clock::now();
    if (watch.since == std::chrono::steady_clock::time_point()) watch.since = now;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(watch.since + delay - now);
    return std::max(left, std::chrono::milliseconds::zero());
}

void report_stall(loop& l, stall_watch& watch) noexcept {
    try {
        const std::chrono::milliseconds delay = stall_delay();
        const survey found(l);
        if (found.stalled().empty()) return;
        const promise_base* const first = suspension_point(*found.stalled().front()).frame;
        if (first == nullptr) return;
        const auto now = std::chrono::steady_clock::now();
        const bool again = watch.line == first->where.line() && watch.file == first->where.file_name();
        if (again && now < watch.quiet_until) return;
        watch.file = first->where.file_name();
        watch.line = first->where.line();
        watch.quiet = std::min<std::chrono::steady_clock::duration>(again ? watch.quiet * 2 : delay, longest_quiet);
        watch.quiet_until = now + watch.quiet;
        say(found, "stall: for " + std::to_string(delay.count()) +
                       " ms this thread has had nothing to do, and nobody is known who could end what it waits for:");
    } catch (...) {  // no memory for the message
    }
}

bool report_certain_stall(loop& l) noexcept {
    if (stall_delay_is_never() || !loop_access::driver_of(l).no_jobs()) return false;
    try {
        const survey found(l);
        if (found.others()) return false;
        if (!found.stalled().empty())
            say(found,
                "stall: nothing is ready, no timer is armed, and nobody is known who could end what is waited for:");
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
