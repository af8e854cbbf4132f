// SPDX-License-Identifier: BSL-1.0
//
// The rare half of forking: a child gets a node (naming), a fork goes to the executor's queue (sharing), a frame
// suspends and opens every fork of the stack, the reserve is filled up. The owner is the worker whose stack it is; it
// calls most of this. A hungry worker calls ask, keeps_some and raid of another worker's stack.
#include "kernel/this_thread.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/pool/fork_stack.hpp>

#include <new>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {
constexpr std::uint32_t reserve_step = 32;  // nodes that are added to a reserve at once
constexpr std::uint32_t reserve_max = 1024;
}  // namespace

fork_stack::~fork_stack() {
    while (spare* s = spares_.pop()) ::operator delete(s);
}

// ---- memory ---------------------------------------------------------------------------------------------------------

bool fork_stack::refill(std::uint32_t wanted) noexcept {
    lifo<spare, &spare::next> fresh;
    std::uint32_t n = 0;
    for (; n < wanted + reserve_step; ++n) {
        void* const memory = ::operator new(sizeof(fork_node), std::nothrow);
        if (memory == nullptr) break;
        fresh.push(*::new (memory) spare{nullptr});
    }
    const lock_guard guard(lock_);
    while (spare* const s = fresh.pop()) spares_.push(*s);
    free_ += n;
    set_limit();
    return n >= wanted;
}

fork_node& fork_stack::make(fork_group& g, std::uint32_t index, const context& outer) noexcept {
    BIDE_ASSERT(F5, !spares_.empty() && free_ != 0);
    spare* const memory = spares_.pop();
    --free_;
    return *::new (static_cast<void*>(memory)) fork_node(g, index, ex_, outer);
}

void fork_stack::give_back(fork_node& n) noexcept {
    n.delist();
    n.~fork_node();
    spares_.push(*::new (static_cast<void*>(&n)) spare{nullptr});
    ++free_;
}

void fork_stack::discard(fork_node& n) noexcept {
    fork_stack* const here = tls().forks;
    if (here != nullptr) {
        const lock_guard guard(here->lock_);
        if (here->free_ < reserve_max) {
            here->give_back(n);
            return;
        }
    }
    n.~fork_node();
    ::operator delete(&n);
}

// What the private entries need is never more than there is (F5).
void fork_stack::set_limit() noexcept {
    BIDE_ASSERT(F4, base_ <= deque_.floor());
    // relaxed: who becomes hungry counts itself first and then asks, under this lock.
    if (hungry_.load(std::memory_order_relaxed) != 0) {
        deque_.set_limit(0);
        return;
    }
    const std::uint32_t all = base_ + free_ + private_named_;
    deque_.set_limit(all < places ? all : places);
}

// ---- naming ---------------------------------------------------------------------------------------------------------

// The context of the awaiting frame: in its frame, or that of a node of which the frame does not know yet.
const context& fork_stack::outer_of(const fork_group& g, std::uint32_t place, const fork_group* outer) const noexcept {
    return outer == nullptr || place <= mark_ ? *g.awaiting->ctx : outer->head->ctx;
}

// The one at `place`, whose outer ones are named; the place of the next.
std::uint32_t fork_stack::name(std::uint32_t place) noexcept {
    BIDE_ASSERT(F2, last_named_ == nullptr || last_named_->head->place < place);  // the outer forks are named first
    fork_group& g = deque_.at(place);
    fork_node& n = make(g, g.next - 1, outer_of(g, place, last_named_));
    n.in_line = true;
    n.call = &fork_node::on_end;  // its coroutine has begun: the node hears of the end
    n.waiting_frame = g.awaiting;
    n.place = place;
    n.outer = std::exchange(last_named_, &g);
    g.head = &n;
    ++private_named_;
    return place + g.count() - n.index;
}

void fork_stack::name_all() noexcept {
    const std::uint32_t top = deque_.top();
    std::uint32_t place = deque_.floor();
    while (place < top) place = name(place);
    deque_.set_floor(place);
}

void fork_stack::write_contexts(promise_base* p) noexcept {
    for (fork_group* g = last_named_; g != nullptr && g->head->place >= mark_; g = g->head->outer) {
        for (;; p = p->result_slot->waiting_frame()) {
            BIDE_ASSERT(F2, p != g->awaiting);            // the frames of the child, not the frame that forked
            BIDE_ASSERT(F2, p->ctx == g->awaiting->ctx);  // changed by nothing that had not asked for one of its own
            p->ctx = &g->head->ctx;
            if ((p->result_slot->flags & forked) != 0) break;
        }
        p = g->awaiting;
    }
    mark_ = deque_.top();
}

void fork_stack::materialize_context(promise_base* p) noexcept {
    if (deque_.top() == 0 || (p != nullptr && p->ctx->ex != &ex_)) return;
    const lock_guard guard(lock_);
    name_all();
    if (unnamed()) {
        tls().current = last_named_->head;
        told_ = deque_.top();
    }
    if (p != nullptr && mark_ < deque_.top()) write_contexts(p);
    BIDE_ASSERT(F2, !unnamed() && (p == nullptr || !stale()));
}

// ---- sharing --------------------------------------------------------------------------------------------------------

// The nodes of those that have not begun; the first of them. When it is posted, others may end them.
fork_node& fork_stack::add_rest(fork_group& g) noexcept {
    fork_node* last = g.head;
    const std::uint32_t n = g.count();
    const context& outer = outer_of(g, g.head->place, g.head->outer);
    g.head->left.set(n - g.head->index);  // posting the node publishes it
    for (std::uint32_t i = g.next; i < n; ++i) last = last->next_child = &make(g, i, outer);
    return *g.head->next_child;
}

fork_node& fork_stack::share_oldest(std::uint32_t floor) noexcept {
    const std::uint32_t place = base_;
    fork_group& g = deque_.at(place);
    deque_.set_floor(place == floor ? name(place) : floor);  // thaws the floor, if a raid has frozen it
    BIDE_ASSERT(F4, private_named_ != 0);
    --private_named_;
    base_ = place + g.count() - g.head->index;
    BIDE_ASSERT(F4, base_ <= deque_.floor());
    return add_rest(g);
}

void fork_stack::share_all() noexcept {
    post_opened();  // by a frame that has suspended, and then called code which blocks
    if (deque_.top() == 0) return;
    fifo<ready_node, &ready_node::next> shared;
    {
        const lock_guard guard(lock_);
        while (base_ < deque_.top()) {
            shared.push_back(share_oldest(deque_.floor()));
        }
    }
    while (ready_node* const n = shared.pop()) ex_.post(*n);
}

bool fork_stack::pushed_past_limit(std::uint32_t at) noexcept {
    std::uint32_t wanted = 0;
    {
        const lock_guard guard(lock_);
        if (deque_.top() - base_ > free_ + private_named_) wanted = deque_.top() - at;
    }
    if (wanted != 0 && !refill(wanted)) {
        const lock_guard guard(lock_);
        if (at >= base_) {  // nobody has taken it meanwhile
            if (deque_.floor() > at) deque_.set_floor(at);
            static_cast<void>(deque_.pop(at));
            return false;
        }
    }
    fork_node* shared = nullptr;
    {
        const lock_guard guard(lock_);
        set_limit();
        // One at a time, and no more before it is taken: the worker that takes it looks here again (keeps_some).
        // Under the queue's lock, so that the owner or that worker sees the other.
        const bool wanted_elsewhere = hungry_.load(std::memory_order_relaxed) != 0 && queue_.empty();
        if (wanted_elsewhere && base_ < deque_.top()) shared = &share_oldest(deque_.floor());
    }
    if (shared != nullptr) ex_.post(*shared);
    return true;
}

void fork_stack::ask() noexcept {
    const lock_guard guard(lock_);
    deque_.set_limit(0);
}

bool fork_stack::keeps_some() noexcept {
    if (deque_.top() == 0) return false;
    const lock_guard guard(lock_);
    return base_ < deque_.top();
}

bool fork_stack::raid() noexcept {
    if (deque_.top() == 0) return false;
    fork_node* shared = nullptr;
    {
        const lock_guard guard(lock_);
        if (base_ >= deque_.top()) return false;
        const std::uint32_t floor = deque_.floor();
        // Frozen until the floor is set again: until then the owner pops nothing without this lock.
        if (base_ < deque_.freeze() && enough_for_oldest(floor)) {
            BIDE_ASSERT(F4, deque_.floor() > deque_.top());
            shared = &share_oldest(floor);
        } else {
            deque_.set_floor(floor);
        }
    }
    if (shared == nullptr) return false;
    ex_.post(*shared);
    return true;
}

// False for a moment only: when the owner has pushed and not yet filled up the reserve.
bool fork_stack::enough_for_oldest(std::uint32_t floor) const noexcept {
    const fork_group& g = deque_.at(base_);
    const std::uint32_t head = base_ < floor ? 0 : 1;  // it may have its own already
    return free_ >= head + g.count() - g.next;
}

// ---- forking --------------------------------------------------------------------------------------------------------

fork_step fork_stack::child_returned(fork_group& g, slot_base& s, std::uint32_t at) noexcept {
    fork_node* mine = nullptr;
    bool shared = false;
    {
        const lock_guard guard(lock_);
        if (deque_.floor() > at) {
            mine = g.head;
            shared = at < base_;
            BIDE_ASSERT(F4, mine == last_named_->head);
            last_named_ = mine->outer;
            deque_.set_floor(at);
            if (shared) base_ = at;
            if (mark_ > at) mark_ = at;
            if (told_ > at) told_ = at;
            tls().current = outer_of(g, at, last_named_).owner;
            if (!shared) {
                --private_named_;
                give_back(*mine);
            }
            set_limit();
        }
    }
    if (!shared) {
        if (s.state == outcome::value) [[likely]]
            return fork_step::next;
        g.never_begin(g.next);
        return fork_step::ended;
    }
    return mine->join_in_line();
}

// The native stack is deep, or this one is full: all of them begin through the queue.
fork_step fork_stack::queue_all(fork_group& g, std::uint32_t from) noexcept {
    const std::uint32_t wanted = g.count() - from;
    std::uint32_t spoken_for = 0;
    bool enough = false;
    {
        const lock_guard guard(lock_);
        spoken_for = deque_.top() - base_ - private_named_;
        enough = free_ >= spoken_for + wanted;
    }
    if (!enough && !refill(spoken_for + wanted)) return fork_step::no_memory;
    promise_base* const awaiting = g.awaiting;
    detach(awaiting);
    BIDE_ASSERT(K3, (awaiting->result_slot->flags & attached) == 0);
    fork_node* first = nullptr;
    {
        const lock_guard guard(lock_);
        g.head = first = &make(g, from, *awaiting->ctx);
        g.next = from + 1;
        first->left.set(wanted);
        fork_node* last = first;
        for (std::uint32_t i = g.next; i < g.count(); ++i) last = last->next_child = &make(g, i, *awaiting->ctx);
        set_limit();
    }
    ex_.post(*first);
    return fork_step::suspended;
}

// ---- suspending -----------------------------------------------------------------------------------------------------

void fork_stack::open(promise_base* leaf, promise_base* child) noexcept {
    const lock_guard guard(lock_);
    name_all();
    if (mark_ < deque_.top()) write_contexts(leaf);
    // Outwards from the first forked child: detach; the worker that ends one tells its node.
    promise_base* p = child;
    BIDE_ASSERT(F3, opened_.empty());  // the trampoline has posted what an earlier suspension had opened
    for (fork_group* g = last_named_; g != nullptr;) {
        fork_node& n = *g->head;
        while (p->result_slot->flags != (attached | forked)) {
            p->result_slot->flags = static_cast<std::uint8_t>(p->result_slot->flags & ~attached);
            p = p->result_slot->waiting_frame();
        }
        p->result_slot->end = &n;
        p->result_slot->flags = custom;
        p = g->awaiting;
        fork_group* const outer = n.outer;
        if (n.place >= base_) opened_.push_back(add_rest(*g));
        g = outer;
    }
    while (p != nullptr && (p->result_slot->flags & attached) != 0) {
        p->result_slot->flags = static_cast<std::uint8_t>(p->result_slot->flags & ~attached);
        p = p->result_slot->waiting_frame();
    }
    deque_.clear();
    base_ = mark_ = told_ = private_named_ = 0;
    last_named_ = nullptr;
    set_limit();
}

void fork_stack::post_opened_slowly() noexcept {
    while (ready_node* const n = opened_.pop()) ex_.post(*n);
}

// ---- what the kernel calls without knowing forks --------------------------------------------------------------------

// Code that asks which task runs gets the child of a fork as a chain of its own (F2).
[[gnu::noinline]] void name_nested_fork() noexcept {
    if (this_thread.forks->unnamed()) this_thread.forks->materialize_context(nullptr);
}

[[gnu::noinline]] void open_forks(promise_base* leaf, promise_base* at) noexcept { this_thread.forks->open(leaf, at); }

void post_opened_forks() noexcept {
    if (this_thread.forks != nullptr) [[unlikely]]
        this_thread.forks->post_opened();
}

void materialize_context(promise_base* p) noexcept {
    if (this_thread.forks != nullptr) [[unlikely]]
        this_thread.forks->materialize_context(p);
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
