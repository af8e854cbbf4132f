// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/wait_graph.hpp>

#include <mutex>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

constexpr int ancestors_indexed = 64;  // enough for every chain that a person would write by hand

struct graph {
    std::mutex m;
    std::unordered_multimap<std::uint64_t, wait_edge*> by_owner;  // the published waits of an owner id
    std::unordered_multimap<const task_node*, wait_edge*> below;  // a chain -> the published waits below it
    standing_wait* standing = nullptr;
};
// Never destroyed: threads may still wait while static objects are.
graph& the_graph() {
    static auto* g = new graph;
    return *g;
}

task_node* chain_of(const wait_edge& e) noexcept { return e.at->who->ctx->owner; }

template <class Map, class Key>
void erase_from(Map& map, const Key& key, const wait_edge* e) {
    auto [at, end] = map.equal_range(key);
    for (; at != end; ++at)
        if (at->second == e) {
            map.erase(at);
            return;
        }
}

void index(graph& g, wait_edge& e) {
    task_node* n = chain_of(e);
    g.by_owner.emplace(n->owner, &e);
    for (int i = 0; n != nullptr && i < ancestors_indexed; n = n->parent, ++i) g.below.emplace(n, &e);
}

void unindex(graph& g, wait_edge& e) {
    task_node* n = chain_of(e);
    erase_from(g.by_owner, n->owner, &e);
    for (int i = 0; n != nullptr && i < ancestors_indexed; n = n->parent, ++i) erase_from(g.below, n, &e);
}

std::string place(const wait_edge& e) {
    const promise_base& p = *e.at->who;
    const task_node& n = *chain_of(e);
    if (p.out->above() == nullptr && std::string_view(n.kind) == "wait")  // a wait() in plain code: its caller's line
        return std::string("the wait() at ") + n.started.file_name() + ":" + std::to_string(n.started.line()) +
               " waits for a " + e.at->kind->what;
    return std::string(p.origin.function_name()) + " at " + p.where.file_name() + ":" + std::to_string(p.where.line()) +
           " waits for a " + e.at->kind->what;
}

// A wait that a deadline ends is no deadlock.
bool has_end(const wait_edge& e) noexcept { return e.at->who->ctx->deadline != time_point::max(); }

// The parent's chain cannot go on before `child` has ended. Other tasks of a scope whose body still runs, and the
// runners of a race, do not hold anybody up: whoever stands above may end them.
bool holds_up_parent(const task_node& child) noexcept {
    task_node* above = child.parent;
    return above != nullptr && (child.holds_parent || (above->waits_for != nullptr && above->waits_for(*above, child)));
}

bool holds_up(const task_node& from, const task_node& n) noexcept {
    const task_node* at = &from;
    for (int i = 0; at != &n && i < ancestors_indexed; ++i) {
        if (!holds_up_parent(*at)) return false;
        at = at->parent;
    }
    return at == &n;
}

// Depth first from one wait; every edge is a "must end before". Path holds the waits passed, for the message.
class search {
public:
    search(graph& g, wait_edge& start) : g_(g), start_(start) {
        task_node* n = chain_of(start);
        blocked_by_start_.insert(n);
        for (int i = 0; i < ancestors_indexed && holds_up_parent(*n); ++i) blocked_by_start_.insert(n = n->parent);
    }

    // One that was woken already breaks every cycle that it is part of.
    bool closes() { return has_end(start_) || start_.verdict ? false : follow(start_); }
    const std::vector<const wait_edge*>& path() const { return path_; }

private:
    bool follow(const wait_edge& e) {
        path_.push_back(&e);
        const wait_target t = e.target(e);
        if (t.node != nullptr && reaches(*t.node)) return true;
        if (t.owner != 0) {
            if (t.owner == chain_of(start_)->owner) return true;
            auto [at, end] = g_.by_owner.equal_range(t.owner);
            for (; at != end; ++at)
                if (enter(*at->second)) return true;
            if (t.on != nullptr && stands(*t.on)) return true;
        }
        path_.pop_back();
        return false;
    }
    bool reaches(const task_node& n) {
        if (blocked_by_start_.count(&n) != 0) return true;
        if (!seen_nodes_.insert(&n).second) return false;
        auto [at, end] = g_.below.equal_range(&n);  // its own wait, or those of what it waits for
        for (; at != end; ++at)
            if (holds_up(*chain_of(*at->second), n) && enter(*at->second)) return true;
        return n.ctx.ex != nullptr && stands(*n.ctx.ex);
    }
    bool stands(const executor& ex) {
        for (standing_wait* w = g_.standing; w != nullptr; w = w->next)
            if (ex.stands_on(*w->under) && reaches(*w->waiter)) return true;
        return false;
    }
    bool enter(const wait_edge& e) {
        if (has_end(e) || e.verdict || !seen_.insert(&e).second) return false;
        return &e == &start_ || follow(e);
    }

    graph& g_;
    wait_edge& start_;
    std::unordered_set<const task_node*> blocked_by_start_;  // the chain itself and what waits for it
    std::unordered_set<const task_node*> seen_nodes_;
    std::unordered_set<const wait_edge*> seen_;
    std::vector<const wait_edge*> path_;
};

std::string verdict_text(const std::vector<const wait_edge*>& path) {
    std::string text = "this wait can never end:";
    for (const wait_edge* e : path) text += "\n  " + place(*e);
    text +=
        "\n  … which waits for the first.\nRemedy: from a coroutine use co_await instead of wait(); take several "
        "mutexes in "
        "one order everywhere; do not wait for the loop, strand or scope whose task you are.";
    return text;
}

bool judge(graph& g, wait_edge& e) {
    search s(g, e);
    if (!s.closes()) return false;
    auto verdict = std::make_exception_ptr(would_deadlock(verdict_text(s.path())));
    if (!e.at->claim()) return false;  // completed or stopped at this very moment
    e.verdict = std::move(verdict);
    return true;
}

}  // namespace

void note_edge(wait_edge& e) noexcept {
    loop* l = live_access::loop_of(*e.at->who->ctx->ex);
    if (l == nullptr) return;  // on an executor of the user's: not followed
    noted_edges& noted = noted_on(*l);
    e.home = &noted;
    std::lock_guard guard(noted.lock);
    e.prev = nullptr;
    e.next = noted.first;
    if (noted.first != nullptr) noted.first->prev = &e;
    noted.first = &e;
    e.in.store(wait_edge::where::noted, std::memory_order_relaxed);  // relaxed: read under the same lock
}

static void take_out(noted_edges& noted, wait_edge& e) noexcept {
    if (e.prev != nullptr)
        e.prev->next = e.next;
    else
        noted.first = e.next;
    if (e.next != nullptr) e.next->prev = e.prev;
    e.prev = e.next = nullptr;
}

void forget_edge(wait_edge& e) noexcept {
    if (e.home == nullptr) return;
    noted_edges& noted = *e.home;
    {
        std::lock_guard guard(noted.lock);
        if (e.in.load(std::memory_order_relaxed) == wait_edge::where::noted) {
            take_out(noted, e);
            e.in.store(wait_edge::where::nowhere, std::memory_order_relaxed);
            e.home = nullptr;
            return;
        }
    }
    // Being published, or published: the graph's mutex orders us after that.
    graph& g = the_graph();
    std::lock_guard guard(g.m);
    if (e.in.load(std::memory_order_relaxed) == wait_edge::where::published) {
        unindex(g, e);
        e.in.store(wait_edge::where::nowhere, std::memory_order_relaxed);
    }
    e.home = nullptr;
}

bool examine_edges(noted_edges& noted) noexcept {
    {
        std::lock_guard look(noted.lock);
        if (noted.first == nullptr) return false;
    }
    graph& g = the_graph();
    std::vector<leaf*> woken;
    try {
        std::lock_guard guard(g.m);
        std::vector<wait_edge*> fresh;
        {
            std::lock_guard lock(noted.lock);
            while (wait_edge* e = noted.first) {
                fresh.push_back(e);
                take_out(noted, *e);
                e->in.store(wait_edge::where::published, std::memory_order_relaxed);
            }
        }
        for (wait_edge* e : fresh) index(g, *e);
        for (wait_edge* e : fresh)
            if (judge(g, *e)) woken.push_back(e->at);
        // Resumed under the mutex: a resumed waiter forgets its edge first, and cannot be gone before.
        for (leaf* l : woken) l->resume();
    } catch (...) {  // no memory: the wait goes on unexamined
    }
    return !woken.empty();
}

void publish_standing(standing_wait& w) noexcept {
    graph& g = the_graph();
    std::lock_guard guard(g.m);
    w.next = g.standing;
    g.standing = &w;
}

void withdraw_standing(standing_wait& w) noexcept {
    graph& g = the_graph();
    std::lock_guard guard(g.m);
    for (standing_wait** at = &g.standing; *at != nullptr; at = &(*at)->next)
        if (*at == &w) {
            *at = w.next;
            return;
        }
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
