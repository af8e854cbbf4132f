// SPDX-License-Identifier: BSL-1.0
//
// The published waits of the process, and the search for a circle among them. A loop's thread notes waits in its own
// list (note_edge), and publishes and examines them before it sleeps (examine_edges). The waiter forgets its edge on
// its own thread when the wait is over. Everything here but the noting happens under one process-wide mutex; no user
// code runs under it.
#include "kernel/describe.hpp"

#include <bide/detail/base/fifo.hpp>
#include <bide/detail/base/os_mutex.hpp>
#include <bide/detail/deadlock/wait_graph.hpp>

#include <algorithm>
#include <cstddef>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

constexpr int ancestors_linked = 64;  // at a time; enough for every chain that a person would write by hand
constexpr std::size_t waits_shown = 16;

task_node* chain_of(const wait_edge& e) noexcept { return e.waiter->frame->ctx->owner; }
std::uint64_t owner_of(const wait_edge& e) noexcept { return chain_of(e)->owner; }

// The published waits by the id under which their chains lock things. Intrusive; it grows when there is memory for
// that, and works without.
class waits_by_owner {
public:
    void add(wait_edge& e) noexcept {
        if (count_ >= size_) grow();
        push(e);
        ++count_;
    }
    void remove(wait_edge& e) noexcept {
        bucket(owner_of(e)).remove(e);
        --count_;
    }
    template <class F>
    void each(std::uint64_t owner, F f) const {
        for (wait_edge* e = bucket(owner).first(); e != nullptr; e = e->next)
            if (owner_of(*e) == owner) f(*e);
    }

private:
    // Ids are handed out one after another.
    [[nodiscard]] edge_list& bucket(std::uint64_t owner) const noexcept { return buckets_[owner & (size_ - 1)]; }
    void push(wait_edge& e) noexcept { bucket(owner_of(e)).push_front(e); }
    void grow() noexcept {
        auto* const more = new (std::nothrow) edge_list[size_ * 2];
        if (more == nullptr) return;
        edge_list* const before = std::exchange(buckets_, more);
        const std::size_t size = std::exchange(size_, size_ * 2);
        for (std::size_t i = 0; i < size; ++i)
            while (wait_edge* const e = before[i].pop_front()) push(*e);
        if (before != few_) delete[] before;
    }

    static constexpr std::size_t few = 64;
    edge_list few_[few];
    edge_list* buckets_ = few_;
    std::size_t size_ = few;  // a power of two
    std::size_t count_ = 0;
};

// From a chain to another that has to end before it: by the published wait `by`, or (null) because the chain, or its
// executor, cannot go on.
struct hop {
    task_node* node;
    wait_edge* edge;
};
struct step_of_search {
    task_node* node;
    std::size_t begin;  // of its hops, in `found`
    std::size_t next;
};

struct graph {
    os_mutex m;
    waits_by_owner waits BIDE_GUARDED_BY(m);
    lifo<nested_wait, &nested_wait::next> nested_waits BIDE_GUARDED_BY(m);
    std::uint64_t searches BIDE_GUARDED_BY(m) = 0;
    // Kept from one search to the next for their memory.
    std::vector<step_of_search> path BIDE_GUARDED_BY(m);
    std::vector<hop> found BIDE_GUARDED_BY(m);
    std::vector<wait_edge*> cycle BIDE_GUARDED_BY(m);

    // So much is there for a short cycle, also when memory is short.
    graph() noexcept {
        try {
            path.reserve(64);
            found.reserve(64);
            cycle.reserve(16);
        } catch (...) {  // later, then
        }
    }
};
// Never destroyed: threads may still wait while static objects are.
graph& the_graph() noexcept {
    alignas(graph) static std::byte place[sizeof(graph)];
    static graph* const g = ::new (static_cast<void*>(place)) graph;
    return *g;
}

// From a chain upwards, as far as it is not in the graph yet.
void link_up(task_node* n) noexcept {
    for (int i = 0; i < ancestors_linked && n->parent != nullptr && n->graph.link == nullptr; ++i, n = n->parent) {
        task_node*& first = n->parent->graph.first;
        n->graph.link = &first;
        n->graph.next = first;
        if (first != nullptr) first->graph.link = &n->graph.next;
        first = n;
    }
}
void unlink_up(task_node* n) noexcept {
    for (; n->graph.link != nullptr && n->graph.edge == nullptr && n->graph.first == nullptr; n = n->parent) {
        graph_place& place = n->graph;
        *place.link = place.next;
        if (place.next != nullptr) place.next->graph.link = place.link;
        place.link = nullptr;
        place.next = nullptr;
    }
}

void publish(graph& g, wait_edge& e) noexcept BIDE_REQUIRES(g.m) {
    g.waits.add(e);
    task_node* const n = chain_of(e);
    n->graph.edge = &e;
    link_up(n);
}
void withdraw(graph& g, wait_edge& e) noexcept BIDE_REQUIRES(g.m) {
    g.waits.remove(e);
    task_node* const n = chain_of(e);
    n->graph.edge = nullptr;
    unlink_up(n);
}

std::string place(const wait_edge& e) {
    const promise_base& p = *e.waiter->frame;
    const task_node& n = *chain_of(e);
    if (p.result_slot->waiting_frame() == nullptr &&
        n.kind == task_kind::wait)  // a wait() in plain code: its caller's line
        return name_of(n, &place_of) + " " + waits_for(e.waiter->kind->what);
    return frame_text(p, &place_of) + " " + waits_for(e.waiter->kind->what);
}

bool still_parked(const wait_edge& e) noexcept { return e.waiter->stop().parked() == e.waiter; }

// A wait that a deadline ends is no deadlock; nor is one that was woken: it breaks every cycle that it is part of.
bool blocks(const wait_edge& e) noexcept {
    return e.waiter->frame->ctx->deadline == time_point::max() && !e.verdict && still_parked(e);
}

// The parent's chain cannot go on before `child` has ended. Other tasks of a scope whose body still runs, and the
// runners of a race, hold no chain up: the scope or the race above may end them.
bool blocks_its_parent(const task_node& child) noexcept {
    task_node* above = child.parent;
    return above != nullptr && (child.blocks_parent || (above->kind == task_kind::scope && waits_for_tasks(*above)));
}

// The waits that stand upon each executor. Only executors that are alive are looked into.
class nested_wait_index {
public:
    explicit nested_wait_index(nested_wait* first) noexcept : first_(first) {}
    template <class F>
    void each(const executor* on, F f) {
        if (first_ == nullptr || on == nullptr) return;
        if (!std::exchange(known_, true))
            live_access::visit([](executor* ex, void* with) { static_cast<nested_wait_index*>(with)->learn(ex); },
                               this);
        const auto [at, end] = by_executor_.equal_range(on);
        for (auto i = at; i != end; ++i) f(*i->second);
    }

private:
    void learn(executor* ex) {
        for (; ex != nullptr; ex = live_access::after(*ex))
            for (nested_wait* w = first_; w != nullptr; w = w->next)
                if (ex->runs_on(*w->blocked)) by_executor_.emplace(ex, w->waiter);
    }
    nested_wait* first_;
    bool known_ = false;
    std::unordered_multimap<const executor*, task_node*> by_executor_;
};

// Depth first over the chains; every step is a "must end before". One examination does not look at a chain twice, so
// it costs as much as there are waits, not more, however many of them are new.
class search {
public:
    explicit search(graph& g) noexcept BIDE_REQUIRES(g.m)
        : waits_(g.waits),
          path_(g.path),
          found_(g.found),
          on_path_(g.searches += 2),
          done_(on_path_ + 1),
          nested_waits_(g.nested_waits.first()) {}

    /// The waits of a cycle that can be come to from there, in `cycle`; false: there is none.
    bool finds_cycle_from(task_node& start, std::vector<wait_edge*>& cycle) {
        if (start.graph.seen == done_) return false;
        enter(start);
        while (!path_.empty()) {
            step_of_search& top = path_.back();
            if (top.next == found_.size()) {
                top.node->graph.seen = done_;
                found_.resize(top.begin);
                path_.pop_back();
                continue;
            }
            task_node& n = *found_[top.next++].node;
            if (n.graph.seen == done_) continue;
            if (n.graph.seen != on_path_) {
                enter(n);
                continue;
            }
            std::size_t i = path_.size();
            do {
                wait_edge* const by = found_[path_[--i].next - 1].edge;
                if (by != nullptr) cycle.push_back(by);
            } while (path_[i].node != &n);
            std::reverse(cycle.begin(), cycle.end());
            clear();
            return true;
        }
        return false;
    }
    /// Forgets the path; what is on it may be looked at again.
    void clear() noexcept {
        for (const step_of_search& s : path_) s.node->graph.seen = 0;
        path_.clear();
        found_.clear();
    }

private:
    void enter(task_node& n) {
        const std::size_t begin = found_.size();
        path_.push_back({&n, begin, begin});
        n.graph.seen = on_path_;
        wait_edge* by = n.graph.edge;
        const auto add = [&](task_node& m) { found_.push_back({&m, by}); };
        if (by != nullptr && blocks(*by)) {
            const wait_target t = by->target(*by);
            if (t.node != nullptr) add(*t.node);
            if (t.owner != 0) {
                waits_.each(t.owner, [&](wait_edge& of_owner) { add(*chain_of(of_owner)); });
                nested_waits_.each(t.ex, add);
            }
        }
        by = nullptr;
        for (task_node* c = n.graph.first; c != nullptr; c = c->graph.next)  // or what the chain waits for waits
            if (blocks_its_parent(*c)) add(*c);
        nested_waits_.each(n.ctx.ex, add);
    }

    const waits_by_owner& waits_;
    std::vector<step_of_search>& path_;
    std::vector<hop>& found_;
    const std::uint64_t on_path_;
    const std::uint64_t done_;
    nested_wait_index nested_waits_;
};

std::string verdict_text(const std::vector<wait_edge*>& cycle, std::size_t begin) {
    std::string text = "this wait can never end:";
    for (std::size_t i = 0; i < cycle.size(); ++i) {
        if (i == waits_shown) {
            text += "\n  … and " + std::to_string(cycle.size() - i) + " more";
            break;
        }
        text += "\n  " + place(*cycle[(begin + i) % cycle.size()]);
    }
    text +=
        "\n  … which waits for the first.\nRemedy: from a coroutine use co_await instead of wait(); take several "
        "mutexes in "
        "one order everywhere; do not wait for the loop, strand or scope whose task you are.";
    return text;
}

// Without memory for the words the waiter gets what there is to say: that there is none.
std::exception_ptr verdict_of(const std::vector<wait_edge*>& cycle, std::size_t begin) {
    try {
        return std::make_exception_ptr(would_deadlock(verdict_text(cycle, begin)));
    } catch (const std::bad_alloc&) {
        return std::current_exception();
    }
}

// Wakes one waiter of the cycle: of those that were published just now, so that its loop runs here. (Others cannot be
// the last to have closed it, but a shortage of memory may have left a cycle unsaid.) False: nobody could be woken.
bool tell(const std::vector<wait_edge*>& cycle, const noted_edges& here) {
    for (const bool anybody : {false, true})
        for (std::size_t i = 0; i < cycle.size(); ++i) {
            wait_edge& e = *cycle[i];
            if (!anybody && e.home != &here) continue;
            std::exception_ptr verdict = verdict_of(cycle, i);
            if (!e.waiter->claim()) continue;  // completed or stopped at this very moment
            e.verdict = std::move(verdict);
            e.waiter->resume();  // under the mutex: it forgets its edge first, and cannot be gone before
            return true;
        }
    return false;
}

// Wakes a waiter of each cycle that can be come to from there.
bool judge(graph& g, search& s, task_node& start, const noted_edges& here) BIDE_REQUIRES(g.m) {
    bool woke = false;
    std::vector<wait_edge*>& cycle = g.cycle;
    for (cycle.clear(); s.finds_cycle_from(start, cycle); cycle.clear()) {
        // One of them may have been completed while it was looked for: then it is none, and is not found again.
        if (!std::all_of(cycle.begin(), cycle.end(), [](const wait_edge* e) { return still_parked(*e); })) continue;
        if (!tell(cycle, here)) break;
        woke = true;
    }
    return woke;
}

void take_out(noted_edges& noted, wait_edge& e) noexcept BIDE_REQUIRES(noted.lock) { noted.edges.remove(e); }

void put_in(noted_edges& noted, wait_edge& e) noexcept BIDE_REQUIRES(noted.lock) {
    noted.edges.push_front(e);
    e.edge_phase.store(wait_edge::phase::noted, std::memory_order_relaxed);  // relaxed: read under the same lock
}

std::exception_ptr leave_home(wait_edge& e) noexcept {
    e.edge_phase.store(wait_edge::phase::none, std::memory_order_relaxed);  // relaxed: under the same lock
    e.home = nullptr;
    std::exception_ptr found = std::move(e.verdict);
    e.verdict.~exception_ptr();
    return found;
}

// Everything that was noted, published; linked by `after`, in the order of noting.
wait_edge* publish_noted(graph& g, noted_edges& noted) noexcept BIDE_REQUIRES(g.m) BIDE_EXCLUDES(noted.lock) {
    wait_edge* fresh = nullptr;
    const lock_guard lock(noted.lock);
    while (wait_edge* e = noted.edges.first()) {
        take_out(noted, *e);
        publish(g, *e);
        e->edge_phase.store(wait_edge::phase::published,
                            std::memory_order_relaxed);  // relaxed: read under one of the locks
        e->next_published = std::exchange(fresh, e);
    }
    return fresh;
}

}  // namespace

void note_edge(wait_edge& e) noexcept {
    loop* l = live_access::loop_of(*e.waiter->frame->ctx->ex);
    if (l == nullptr) return;  // on an executor of the user's: not followed
    noted_edges& noted = noted_on(*l);
    e.home = &noted;
    ::new (static_cast<void*>(&e.verdict)) std::exception_ptr;
    lock_guard guard(noted.lock);
    put_in(noted, e);
}

std::exception_ptr forget_edge(wait_edge& e) noexcept {
    if (e.home == nullptr) return nullptr;
    noted_edges& noted = *e.home;
    {
        lock_guard guard(noted.lock);
        if (e.edge_phase.load(std::memory_order_relaxed) == wait_edge::phase::noted) {
            take_out(noted, e);
            return leave_home(e);
        }
    }
    // Being published, or published: the graph's mutex orders us after that. (Or noted again meanwhile.)
    graph& g = the_graph();
    lock_guard guard(g.m);
    if (e.edge_phase.load(std::memory_order_relaxed) == wait_edge::phase::published) {
        withdraw(g, e);
    } else {
        const lock_guard lock(noted.lock);
        take_out(noted, e);
    }
    return leave_home(e);  // under the mutex: until now a search might have looked at it
}

examined examine_edges(noted_edges& noted) noexcept {
    {
        lock_guard look(noted.lock);
        if (noted.edges.empty()) return examined::nothing;
    }
    graph& g = the_graph();
    const lock_guard guard(g.m);
    wait_edge* fresh = publish_noted(g, noted);
    bool woke = false;
    bool all = true;
    search s(g);
    try {
        for (; fresh != nullptr; fresh = fresh->next_published)
            if (judge(g, s, *chain_of(*fresh), noted)) woke = true;
    } catch (...) {  // no memory: those that are left are looked at the next time
        all = false;
        s.clear();
        const lock_guard lock(noted.lock);
        for (; fresh != nullptr; fresh = fresh->next_published) {
            if (fresh->verdict) continue;
            withdraw(g, *fresh);
            put_in(noted, *fresh);
        }
    }
    if (woke) return examined::woke;
    return all ? examined::nothing : examined::short_of_memory;
}

wait_ender ender_of(const task_node& n) noexcept {
    graph& g = the_graph();
    const lock_guard guard(g.m);
    const wait_edge* const e = n.graph.edge;
    if (e == nullptr) return {};
    const wait_target t = e->target(*e);
    if (t.node != nullptr) return {true, t.node->ctx.ex};
    return {t.owner != 0, t.ex};
}

void publish_nested_wait(nested_wait& w) noexcept {
    graph& g = the_graph();
    lock_guard guard(g.m);
    g.nested_waits.push(w);
}

void withdraw_nested_wait(nested_wait& w) noexcept {
    graph& g = the_graph();
    lock_guard guard(g.m);
    g.nested_waits.remove(w);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
