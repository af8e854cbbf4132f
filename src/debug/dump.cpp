// SPDX-License-Identifier: BSL-1.0
//
// debug::dump: the calling thread collects the executors that have tasks, describes its own loops, and posts a question
// to every other loop, which that loop's thread answers.
//
// A task's frames are read on the thread of its loop only. Of a task that may run elsewhere only what never changes is
// read, under the lock of the executor's list, which keeps the task from ending meanwhile.
#include "kernel/describe.hpp"

#include <bide/debug/dump.hpp>
#include <bide/detail/base/os_condition.hpp>
#include <bide/detail/kernel/task_node.hpp>
#include <bide/detail/loop/loop_access.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {
namespace debug {

namespace {

using namespace detail;

// A node of this thread's loop, with all of its frames. The places are short: a dump has many of them.
std::string describe_inside(const task_node& n) {
    return describe(n, suspension_point(n), {&short_place_of, "\n    ", std::numeric_limits<int>::max()}) + "\n";
}
// A node that another thread may run now.
std::string describe_outside(const task_node& n) {
    return name_of(n, &short_place_of) + (n.migrates ? ", may run elsewhere by resume_on\n" : "\n");
}

struct found {
    std::map<const task_node*, std::vector<const task_node*>> children;
    std::vector<const task_node*> roots;
    std::map<const task_node*, std::string> texts;
};

void print(std::ostream& out, const found& all, const task_node* n, unsigned depth) {
    std::istringstream lines(all.texts.at(n));
    for (std::string line; std::getline(lines, line);) out << std::string(depth * 4 + 2, ' ') << line << "\n";
    if (const auto below = all.children.find(n); below != all.children.end())
        for (const task_node* child : below->second) print(out, all, child, depth + 1);
}

// Runs on the loop's own thread, or describes a loop of this thread that does not run.
std::string describe_loop(loop& l) {
    struct seen {
        const task_node* node;
        const task_node* parent;
        std::string text;  // set for a node that may run on another thread now, and so may end at any moment
    };
    struct search {
        loop& l;
        std::vector<seen> nodes;
    } s{l, {}};
    live_access::visit(
        [](executor* ex, void* with) {
            auto& in = *static_cast<search*>(with);
            for (; ex != nullptr; ex = live_access::after(*ex)) {
                if (!ex->runs_on(in.l)) continue;
                live_list& list = live_access::of(*ex);
                const detail::lock_guard guard(list.lock);
                for (const task_node* n = list.first; n != nullptr; n = n->next)
                    in.nodes.push_back({n, n->parent, n->migrates ? describe_outside(*n) : std::string()});
            }
        },
        &s);
    found all;
    for (seen& n : s.nodes) all.texts[n.node] = n.text.empty() ? describe_inside(*n.node) : std::move(n.text);
    for (auto at = s.nodes.rbegin(); at != s.nodes.rend(); ++at) {  // the newest is first in the list
        if (at->parent != nullptr && all.texts.count(at->parent) != 0)
            all.children[at->parent].push_back(at->node);
        else
            all.roots.push_back(at->node);
    }
    std::ostringstream out;
    for (const task_node* n : all.roots) print(out, all, n, 0);
    return out.str();
}

struct answer {
    detail::os_mutex m;
    detail::os_condition given_signal;
    bool given BIDE_GUARDED_BY(m) = false;
    std::string text BIDE_GUARDED_BY(m);
};
struct question final : call_node {
    std::shared_ptr<answer> reply;
    loop& l;
    question(std::shared_ptr<answer> a, loop& asked) noexcept
        : call_node(&question::run), reply(std::move(a)), l(asked) {}
    static void run(call_node* self) noexcept {
        const std::unique_ptr<question> q(static_cast<question*>(self));
        try {
            std::string text = describe_loop(q->l);
            const detail::lock_guard guard(q->reply->m);
            q->reply->text = std::move(text);
            q->reply->given = true;
            q->reply->given_signal.notify_one();
        } catch (...) {  // no memory: the calling thread reports that there was no answer
        }
    }
};

bool is_mine(const loop& l) {
    for (const loop* mine : loop_access::loops_of_this_thread())
        if (mine == &l) return true;
    return false;
}

bool empty(executor& ex) {
    live_list& list = live_access::of(ex);
    const detail::lock_guard guard(list.lock);
    return list.first == nullptr;
}

struct asked {
    std::string name;
    std::shared_ptr<answer> reply;  // for another thread's loop
    loop* own = nullptr;            // for a loop of this thread
    std::string names;              // for an executor of the user's
};

// live_access::visit calls it under the lock of the list of executors, so no executor is destroyed meanwhile.
void ask_all(executor* first, void* with) {
    auto& all = *static_cast<std::vector<asked>*>(with);
    for (executor* ex = first; ex != nullptr; ex = live_access::after(*ex)) {
        if (empty(*ex)) continue;
        loop* on = live_access::loop_of(*ex);
        asked a;
        if (on == nullptr) {
            a.name = ex->name();
            live_list& list = live_access::of(*ex);
            const detail::lock_guard guard(list.lock);
            for (const task_node* n = list.first; n != nullptr; n = n->next) a.names += "  " + describe_outside(*n);
        } else {
            a.name = on->name();
            if (std::any_of(all.begin(), all.end(), [on](const asked& other) { return other.own == on; })) continue;
            if (is_mine(*on)) {
                a.own = on;
            } else {
                a.reply = std::make_shared<answer>();
                on->post(*new question(a.reply, *on));
            }
        }
        all.push_back(std::move(a));
    }
}

}  // namespace

void dump(std::ostream& out, std::chrono::milliseconds patience) {
    std::vector<asked> all;
    live_access::visit(&ask_all, &all);
    const auto until = std::chrono::steady_clock::now() + patience;
    for (const asked& a : all) {
        if (a.own != nullptr) {
            out << a.name << " (this thread)\n" << describe_loop(*a.own);
        } else if (a.reply == nullptr) {
            out << a.name << "\n" << a.names;
        } else {
            detail::unique_lock guard(a.reply->m);
            while (!a.reply->given && a.reply->given_signal.wait_until(guard, until) != std::cv_status::timeout) {}
            if (a.reply->given)
                out << a.name << "\n" << a.reply->text;
            else
                out << a.name << ": no answer (it is blocked, or not run at the moment)\n";
        }
    }
}

}  // namespace debug
}  // namespace v0
}  // namespace bide
