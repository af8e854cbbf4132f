// SPDX-License-Identifier: BSL-1.0
//
// The strand: a queue of entries (members and threads) under one mutex, and one turn at a time. post(), enter() and the
// end of a turn call it, on any thread. An entry that gets the turn is reserved: its node is posted to its executor,
// and takes the strand there (begin). A thread that gets the turn is notified and holds the strand at once. Nodes are
// posted and leaves detached without the mutex, since executors and loops take locks of their own then.
#include "base/place.hpp"

#include <bide/detail/base/fail_fast.hpp>
#include <bide/detail/base/os_condition.hpp>
#include <bide/detail/base/rules.hpp>
#include <bide/detail/kernel/background.hpp>
#include <bide/detail/kernel/task_node.hpp>
#include <bide/detail/loop/sleep.hpp>
#include <bide/strand.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace bide {
inline namespace v0 {

namespace {
constexpr std::chrono::milliseconds patience{100};  // the executor of an admitted task has so long to run it
}

namespace detail {

/// A thread that holds the strand's mutex waits for it. It is defined here to keep <condition_variable> out of
/// strand.hpp.
class strand_signal : public os_condition {};

// ---- staying --------------------------------------------------------------------------------------------------------

strand_stay::strand_stay(strand& s) noexcept
    : strand_(&s), thread_(tls()), blocked_loop_(thread_.running_loop), running_before_(thread_.running) {
    outer = thread_.blocking;
    thread_.blocking = this;
    thread_.running = &s;
}

void strand_stay::unlink() noexcept {
    if (thread_.running == strand_) thread_.running = running_before_;
    for (blocking_region** at = &thread_.blocking; *at != nullptr; at = &(*at)->outer)
        if (*at == this) {
            *at = outer;
            return;
        }
}

void strand_stay::leave() noexcept {
    if (strand_ == nullptr) return;
    if (&thread_ != &tls())
        fail_fast(
            "a guard of strand::enter().wait() ends on another thread than it began on; in a coroutine use co_await "
            "enter()");
    unlink();
    std::exchange(strand_, nullptr)->leave();
}

void strand_stay::begin_blocking() noexcept {
    strand_->begin_stay(*this);
    if (outer != nullptr) outer->begin_blocking();
}
void strand_stay::end_blocking() noexcept {
    if (outer != nullptr) outer->end_blocking();
    strand_->rejoin(*this);
}

// ---- members: coroutines of other executors -------------------------------------------------------------------------

strand_member::strand_member(strand& s, promise_base& p) noexcept
    : executor(p.ctx->ex),
      strand_entry(&strand_member::on_turn),
      owner(s),
      inside(this, p.ctx->stop, p.ctx->deadline, p.ctx->locals, p.ctx->owner) {
    ex = p.ctx->ex;
}

void strand_member::post(ready_node& node) noexcept {
    strand_entry* turn = nullptr;
    {
        const lock_guard hold(owner.m_);
        posted_frames.push_back(node);
        const bool on_its_way = busy || linked || (owner.state_ == strand::state::reserved && owner.reserved_ == this);
        if (!on_its_way) {
            owner.queue(*this);
            turn = owner.admit_if_idle();
        }
    }
    strand::send(turn);
}

void strand_member::on_turn(call_node* self) noexcept {
    auto& m = *static_cast<strand_member*>(static_cast<strand_entry*>(self));
    ready_node* node = nullptr;
    leaf* entering = nullptr;
    {
        const lock_guard hold(m.owner.m_);
        if (!m.owner.begin(m)) return;
        m.busy = true;
        entering = std::exchange(m.waiting, nullptr);
        if (entering == nullptr) node = &m.posted_frames.pop_front();
    }
    if (entering != nullptr) {  // claimed: nobody else resumes or unwinds the frame
        forget_edge(*m.edge);
        entering->frame->ctx = &m.inside;
        entering->frame->what = step::resume;
        node = entering->frame;
    }
    strand& of = m.owner;
    strand_stay here(of);
    m.stay = &here;
    of.run_turn(*node, here, m, *m.ex);
    if (here.left()) return;  // the task has destroyed its guard, and the member with it
    {
        const lock_guard hold(m.owner.m_);
        m.busy = false;
        m.stay = nullptr;
        if (!m.posted_frames.empty()) m.owner.queue(m);
    }
    here.leave();
}

// ---- entering -------------------------------------------------------------------------------------------------------

strand_awaiter::strand_awaiter(promise_base& p, strand& s)
    : owned_leaf(p, strand_kind, &s), strand_(s), frame_(&p), outside_((materialize_context(&p), p.ctx)) {
    s.need_outside(p.where);
    member_ = make_owned<strand_member>(s, p);
    member_->edge = this;
}

strand_awaiter::~strand_awaiter() {
    if (frame == nullptr) return;
    if (home != nullptr) forget_edge(*this);
    if (member_) strand_.withdraw(*member_);
}

bool strand_awaiter::park() noexcept {
    note();
    member_->waiting = this;
    strand_.park(*this, *member_);
    return true;
}

strand::guard strand_awaiter::await_resume() {
    completed();
    return strand::guard(std::move(member_), *frame_, outside_);
}

wait_target strand_awaiter::target() const noexcept {
    return {strand_.id_, strand_.reserved_on_.load(std::memory_order_relaxed)};
}

/// Suspends the task of a thread that enters by wait() until the strand is held for that thread.
class strand_thread_awaiter final : public owned_leaf<strand_thread_awaiter> {
public:
    strand_thread_awaiter(promise_base& p, strand& s) noexcept
        : owned_leaf(p, strand_kind, &s), strand_(s), entry_(nullptr) {}
    strand_thread_awaiter(const strand_thread_awaiter&) = delete;
    strand_thread_awaiter& operator=(const strand_thread_awaiter&) = delete;
    ~strand_thread_awaiter() {
        if (frame == nullptr) return;
        if (home != nullptr) forget_edge(*this);
        strand_.withdraw(entry_);
    }
    [[nodiscard]] bool try_now() noexcept { return strand_.try_enter(); }
    [[nodiscard]] bool park() noexcept {
        note();
        entry_.waiting = this;
        strand_.park(*this, entry_);
        return true;
    }
    void await_resume() { completed(); }
    [[nodiscard]] wait_target target() const noexcept {
        return {strand_.id_, strand_.reserved_on_.load(std::memory_order_relaxed)};
    }

private:
    strand& strand_;
    strand_entry entry_;
};

namespace {
struct thread_enter_op {
    strand* s;
    explicit thread_enter_op(strand& of) noexcept : s(&of) {}
    [[nodiscard]] strand_thread_awaiter native_awaiter(promise_base& p) const noexcept {
        return strand_thread_awaiter(p, *s);
    }
};
task<> enter_strand(strand& s) { co_await thread_enter_op(s); }
}  // namespace

}  // namespace detail

strand::guard strand::enter_op::wait(std::source_location where) const {
    strand_->need_outside(where);
    if (!strand_->try_enter()) detail::enter_strand(*strand_).wait(where);
    return guard(*strand_);
}

strand::guard::guard(detail::owned_ptr<detail::strand_member> m, detail::promise_base& p,
                     detail::context* outside) noexcept
    : member_(std::move(m)), frame_(&p), outside_(outside) {}

strand::guard::guard(strand& s) noexcept { stay_.emplace(s); }

strand::guard::~guard() {
    if (!member_) return;  // a guard of a thread: the destructor of stay_ leaves the strand
    frame_->ctx = outside_;
    member_->stay->leave();
}

void strand::need_outside(const std::source_location& where) const {
    for (const detail::blocking_region* r = detail::tls().blocking; r != nullptr; r = r->outer) {
        const auto* stay = dynamic_cast<const detail::strand_stay*>(r);
        if (stay != nullptr && stay->where() == this)
            throw would_deadlock(std::string(where.function_name()) + " at " + detail::place_of(where) +
                                 " enters a strand that it is in already; this wait could never end. Leave the strand "
                                 "first, or call what needs it directly");
    }
    if (detail::tls().running == this)
        throw would_deadlock("a task of a strand enters its own strand: it is in it already whenever it runs");
}

// ---- the strand -----------------------------------------------------------------------------------------------------

strand::strand() : strand(detail::background_loop()) {}

strand::strand(executor& base) : executor(&base), base_(base), pump_(*this), id_(detail::new_id()) { pump_.ex = &base; }

strand::~strand() {
    work_.close(stop_reason::shutdown);
    {
        detail::unique_lock hold(m_);
        if (!over()) {
            const loop* blocked = detail::tls().running_loop;
            if (blocked != nullptr && base_.runs_on(*blocked))
                detail::fail_fast(
                    "a strand with unfinished tasks was destroyed on the thread that has to run them; wait for "
                    "their futures first");
            detail::strand_signal ended;
            ended_ = &ended;
            while (!over()) ended.wait(hold);
            ended_ = nullptr;
        }
    }
    retire();
}

void strand::insert_before(detail::strand_entry& e, detail::strand_entry* x) noexcept {
    entries_.insert_before(e, x);
    e.linked = true;
}

void strand::queue(detail::strand_entry& e) noexcept {
    e.ticket = pushed_;
    insert_before(e, nullptr);
}

void strand::unlink(detail::strand_entry& e) noexcept {
    entries_.remove(e);
    e.linked = false;
}

void strand::withdraw(detail::strand_entry& e) noexcept {
    const detail::lock_guard hold(m_);
    if (e.linked) unlink(e);
}

// After the mutex is given back, another thread may resume the parked leaf: this function touches it no more (K3).
void strand::park(detail::leaf& l, detail::strand_entry& e) noexcept {
    detail::promise_base* const p = l.frame;
    detail::strand_entry* turn = nullptr;
    bool parked = false;
    detail::detach(p);  // TRAP: without m_: detach may take a loop's timers' lock, under which timers post to strands
    BIDE_ASSERT(K3, (p->result_slot->flags & detail::attached) == 0);
    {
        const detail::lock_guard hold(m_);
        parked = l.stop().park(l);
        if (parked) {
            queue(e);
            turn = admit_if_idle();
        }
    }
    if (parked)
        send(turn);
    else
        detail::post(p, detail::step::unwind);
}

bool strand::try_enter() noexcept {
    const detail::lock_guard hold(m_);
    if (state_ != state::idle) return false;
    state_ = state::held;
    return true;
}

// Gives the entry the next turn; its node takes the strand by begin(). Returns the entry if the caller has to post its
// node by send(), else null.
detail::strand_entry* strand::reserve(detail::strand_entry& e) noexcept {
    BIDE_ASSERT(L1, e.waiting == nullptr || e.admitted);  // an awaiter's leaf is claimed before the entry gets the turn
    state_ = state::reserved;
    reserved_ = &e;
    reserved_on_.store(e.ex, std::memory_order_relaxed);
    return std::exchange(e.posted, true) ? nullptr : &e;
}

// Called without the mutex: the executor may be another strand, whose members may be posted to this one. The entry
// lives until its node has run.
void strand::send(detail::strand_entry* e) noexcept {
    if (e != nullptr) e->ex->post(*e);
}

// Takes the turn from the entry that has it, and puts this entry at the front of the queue. Its node runs later and
// finds that it has to wait for another turn.
void strand::revoke() noexcept {
    if (reserved_ != &pump_) {
        reserved_->ticket = 0;
        insert_before(*reserved_, entries_.first());
    }
    reserved_ = nullptr;
    reserved_on_.store(nullptr, std::memory_order_relaxed);
    state_ = state::held;
}

bool strand::begin(detail::strand_entry& e) noexcept {
    e.posted = false;
    if (state_ != state::reserved || reserved_ != &e) return false;
    reserved_ = nullptr;
    reserved_on_.store(nullptr, std::memory_order_relaxed);
    state_ = state::held;
    return true;
}

detail::strand_entry* strand::admit_if_idle() noexcept { return state_ == state::idle ? admit_next() : nullptr; }

detail::strand_entry* strand::admit_next() noexcept {
    const bool nodes = !posted_.empty() && can_run(&base_);
    for (detail::strand_entry* e = entries_.first(); e != nullptr;) {
        detail::strand_entry* const after = e->next;
        if (nodes && e->ticket > begun_) break;
        if (!can_run(e->ex)) {
            e = after;
            continue;
        }
        unlink(*e);
        if (e->waiting != nullptr && !e->admitted && !e->waiting->claim()) {  // stopped meanwhile
            e = after;
            continue;
        }
        e->admitted = true;  // its leaf is claimed now, and stays claimed if revoke() takes the turn back
        if (e->ex != nullptr) return reserve(*e);
        state_ = state::held;
        if (e->waiting != nullptr)
            e->waiting->resume();
        else
            e->wake->notify_one();  // with m_ held: the signal lives on the stack of the thread that it wakes
        return nullptr;
    }
    if (nodes) return reserve(pump_);
    state_ = state::idle;  // every entry that is left needs a loop that the wait() of a member blocks
    if (ended_ != nullptr) ended_->notify_all();  // with m_ held: afterwards the strand may be destroyed
    return nullptr;
}

void strand::leave() noexcept {
    detail::strand_entry* turn = nullptr;
    {
        const detail::lock_guard hold(m_);
        turn = admit_next();
    }
    send(turn);
}

void strand::begin_stay(detail::strand_stay& stay) noexcept {
    detail::strand_entry* turn = nullptr;
    {
        const detail::lock_guard hold(m_);
        stays_.push(stay);
        turn = admit_next();
    }
    send(turn);
}

void strand::rejoin(detail::strand_stay& stay) noexcept {
    detail::unique_lock hold(m_);
    if (state_ == state::idle) {
        state_ = state::held;
    } else {
        detail::strand_signal turn;
        detail::strand_entry e(nullptr);
        e.wake = &turn;
        queue(e);
        while (!turn.wait_for(hold, patience, [&e] { return e.admitted; })) {
            if (state_ != state::reserved) continue;
            unlink(e);
            revoke();
            break;
        }
    }
    // The stay leaves the list last: until here the strand admitted no task of the loop that this thread blocks.
    stays_.remove(stay);
}

bool strand::can_run(const executor* on) const noexcept {
    if (on == nullptr) return true;
    for (const detail::strand_stay* stay = stays_.first(); stay != nullptr; stay = stay->next_stay_)
        if (stay->blocked_loop_ != nullptr && on->runs_on(*stay->blocked_loop_)) return false;
    return true;
}

void strand::post(ready_node& node) noexcept {
    detail::strand_entry* turn = nullptr;
    {
        const detail::lock_guard hold(m_);
        posted_.push_back(node);
        ++pushed_;
        turn = admit_if_idle();
    }
    send(turn);
}

// Runs a node of `of`, which is the strand or a member, in a turn of `on`. If the node only yields, `on` is told so,
// with the number of turns after which every other entry of the strand has had its turn.
void strand::run_turn(ready_node& node, const detail::strand_stay& stay, const executor& of, executor& on) noexcept {
    detail::thread_state& t = detail::tls();
    t.yielded_to = nullptr;
    run_ready(node);
    if (stay.left() || std::exchange(t.yielded_to, nullptr) != &of) return;
    std::uint64_t waiting = 0;
    {
        const detail::lock_guard hold(m_);
        waiting += pushed_ - begun_;
        for (const detail::strand_entry* e = entries_.first(); e != nullptr; e = e->next) ++waiting;
    }
    if (&of != this || waiting == 0)
        ++waiting;  // a member is queued again after its turn, one turn later than a posted node
    detail::note_yield(on, waiting * t.turns_of_yields);
}

void strand::on_turn(detail::call_node* self) noexcept {
    strand& s = static_cast<pump*>(self)->owner;
    ready_node* node = nullptr;
    {
        const detail::lock_guard hold(s.m_);
        if (!s.begin(s.pump_)) return;
        node = &s.posted_.pop_front();
        ++s.begun_;
    }
    detail::strand_stay here(s);
    s.run_turn(*node, here, s, s.base_);
    here.leave();
}

}  // namespace v0
}  // namespace bide
