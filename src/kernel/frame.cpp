// SPDX-License-Identifier: BSL-1.0
//
// The memory of coroutine frames and of the nodes of started tasks: free lists per thread and size class.
//
// Every call of a coroutine allocates here and every end frees here, on the thread on which it happens. The short path
// takes a block from, or puts it into, a list that belongs to the calling thread alone, and touches no shared word. A
// block that another thread frees goes back to the thread that made it, through that thread's remote_list; the owner
// collects it when its own list is empty. A thread's home outlives the thread, because its blocks may.
#include "base/remote_list.hpp"
#include "base/static_tls.hpp"

#include <bide/detail/base/lock_guard.hpp>
#include <bide/detail/base/spin_lock.hpp>
#include <bide/detail/kernel/frame.hpp>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <utility>

// Defined by a sanitizer's runtime in the program that this library is part of.
extern "C" {
[[gnu::weak]] void __asan_init();  // NOLINT(bugprone-reserved-identifier)
[[gnu::weak]] void __tsan_init();  // NOLINT(bugprone-reserved-identifier)
[[gnu::weak]] void __msan_init();  // NOLINT(bugprone-reserved-identifier)
}

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

constexpr std::size_t classes = frame_classes;
constexpr std::size_t kept_per_class = 4096;  // blocks that a thread keeps; more go back to operator delete
constexpr std::size_t small_classes = 24;     // of larger ones it keeps an eighth of that
constexpr unsigned kept_remote = 16 * 1024;   // blocks that may wait for their thread

struct block {
    block* next;
    std::size_t number;  // in a free list: how many more blocks may be put on top of it; in a remote_list: its granules
};

// The lowest entry of every free list. It is no block, and is never written. A list whose top it is is empty, and its
// `number` is the list's limit. So a list needs no counter, which each frame would change twice, and one comparison
// tells whether the short path is open. The three have a cache line of their own, because every thread reads them and a
// writer nearby would slow all threads down.
struct alignas(64) lowest_of_lists {
    block small{nullptr, kept_per_class};
    block large{nullptr, kept_per_class / 8};
    block none{nullptr, 0};  // of a closed list, which neither gives nor takes a block
};
constinit lowest_of_lists lowest;

struct thread_home;
struct idle_homes {
    spin_lock lock;
    thread_home* first BIDE_GUARDED_BY(lock) = nullptr;
};
constinit idle_homes idle;

/// The home of the blocks that one thread has made. It outlives the thread, because the blocks may; a thread that
/// starts later takes an idle home over.
struct thread_home final : frame_home {
    remote_list<block> come_back;
    thread_home* next_idle BIDE_GUARDED_BY(idle.lock) = nullptr;
    thread_home() noexcept : frame_home{&give_back} {}
    static void give_back(frame_home* self, void* frame, std::size_t granules) noexcept;
};

frame_home nobody{nullptr};  // the home of a thread without one; no block's word points to it

struct pools {
    block* free[classes];
    frame_home* home = &nobody;
    std::pmr::memory_resource* source = nullptr;
    bool begun = false;  // true once the thread has a home, also after the thread has given it up at its end
    constexpr pools() noexcept { close(); }
    constexpr void close() noexcept {
        for (block*& top : free) top = &lowest.none;
    }
};
constinit thread_local pools storage;
// All of its lists are closed, so nothing is ever written to it.
constinit pools none;
BIDE_STATIC_TLS constinit thread_local pools* mine = &none;    // until the thread's first block
BIDE_STATIC_TLS constinit thread_local pools* frames = &none;  // the same, also while a memory resource is in force

// The pools of the calling thread, which it uses from its first block on.
pools& own() noexcept {
    mine = &storage;
    frames = storage.source == nullptr ? &storage : &none;
    return storage;
}

thread_home* get_home() {
    {
        const lock_guard guard(idle.lock);
        if (idle.first != nullptr) {
            thread_home* h = std::exchange(idle.first, idle.first->next_idle);
            h->come_back.open();
            return h;
        }
    }
    auto* h = new thread_home;  // never deleted: there are as many homes as there were threads at one time
    h->come_back.open();
    return h;
}

// Its destructor frees the thread's blocks when the thread ends, and makes its home idle.
struct sweeper {
    sweeper() = default;
    sweeper(const sweeper&) = delete;
    sweeper& operator=(const sweeper&) = delete;
    ~sweeper() {
        pools& p = own();
        auto* h = static_cast<thread_home*>(std::exchange(p.home, &nobody));
        for (block* b : p.free)
            while (b->next != nullptr) ::operator delete(std::exchange(b, b->next));
        p.close();
        if (h == &nobody) return;
        unsigned n = 0;
        for (block* b = h->come_back.close(); b != nullptr; ++n) ::operator delete(std::exchange(b, b->next));
        h->come_back.took(n);
        const lock_guard guard(idle.lock);
        h->next_idle = std::exchange(idle.first, h);
    }
    void touch() noexcept {}
};
thread_local sweeper sweep;

// Gives a thread its home, before its first block.
void begin(pools& p) {
    if (p.begun) return;
    if (frame_blocks_are_kept()) {
        sweep.touch();
        p.home = get_home();
        for (std::size_t c = 0; c < classes; ++c) p.free[c] = c < small_classes ? &lowest.small : &lowest.large;
    }
    p.begun = true;
}

std::atomic<long> alive{0};
// relaxed: a statistic. Frames in kept blocks are not counted, because their short path touches no shared word.
void count(int by) noexcept { alive.fetch_add(by, std::memory_order_relaxed); }

struct resource_home final : frame_home {
    std::pmr::memory_resource* memory;
    explicit resource_home(std::pmr::memory_resource* m) noexcept : frame_home{&give_back}, memory(m) {}
    static std::size_t total(std::size_t granules) noexcept { return granules * frame_granule + sizeof(resource_home); }
    static void give_back(frame_home* self, void* frame, std::size_t granules) noexcept {
        count(-1);
        static_cast<resource_home*>(self)->memory->deallocate(frame, total(granules), alignof(std::max_align_t));
    }
};

void* from_resource(std::size_t granules, std::pmr::memory_resource* memory) {
    void* frame = memory->allocate(resource_home::total(granules), alignof(std::max_align_t));
    auto* behind = static_cast<std::byte*>(frame) + granules * frame_granule;
    home_word(frame, granules) = ::new (behind) resource_home(memory);
    count(1);
    return frame;
}

// Puts a block into its free list. Returns false if the list is full.
inline bool keep(pools& p, block& b, std::size_t granules) noexcept {
    block* const top = p.free[granules];
    if (top->number == 0) [[unlikely]]
        return false;
    b.next = top;
    b.number = top->number - 1;
    p.free[granules] = &b;
    return true;
}

// Takes a block out of a free list. Returns null if the list is empty.
inline block* take(pools& p, std::size_t granules) noexcept {
    block* const b = p.free[granules];
    block* const below = b->next;
    if (below == nullptr) [[unlikely]]
        return nullptr;
    p.free[granules] = below;
    return b;
}

// Moves the blocks that other threads have freed into the free lists.
void take_remote(pools& p) noexcept {
    auto& list = static_cast<thread_home*>(p.home)->come_back;
    unsigned n = 0;
    for (block* b = list.take(); b != nullptr; ++n) {
        block* after = b->next;
        if (!keep(p, *b, b->number)) ::operator delete(b);
        b = after;
    }
    if (n != 0) list.took(n);
}

[[gnu::noinline]] void* alloc_slowly(std::size_t granules) {
    pools& p = own();
    begin(p);
    if (granules >= classes || p.home == &nobody) {
        void* place = ::operator new(granules * frame_granule);
        home_word(place, granules) = nullptr;
        count(1);
        return place;
    }
    if (p.free[granules]->next == nullptr) take_remote(p);
    if (block* b = take(p, granules)) return b;
    void* place = ::operator new(granules * frame_granule);
    home_word(place, granules) = p.home;  // it stays as long as the block lives
    return place;
}

void thread_home::give_back(frame_home* self, void* frame, std::size_t granules) noexcept {
    auto* b = static_cast<block*>(frame);
    b->number = granules;
    // A block of this thread itself comes here when its free list is full.
    if (self == mine->home || !static_cast<thread_home*>(self)->come_back.push(*b, kept_remote)) ::operator delete(b);
}

[[gnu::noinline]] void free_slowly(void* frame, frame_home* home, std::size_t granules) noexcept {
    if (home != nullptr) return home->release(home, frame, granules);
    count(-1);
    ::operator delete(frame);
}

}  // namespace

[[gnu::noinline]] void* frame_alloc_slowly(std::size_t granules) {
    if (mine->source != nullptr) return from_resource(granules, mine->source);
    return alloc_slowly(granules);
}

[[gnu::noinline]] void* frame_alloc_granules(std::size_t granules) {
    if (block* b = take(*frames, granules)) [[likely]]
        return b;
    return frame_alloc_slowly(granules);
}

[[gnu::noinline]] void* node_alloc_granules(std::size_t granules) {
    if (granules < classes) [[likely]]
        if (block* b = take(*mine, granules)) [[likely]]
            return b;
    return alloc_slowly(granules);
}

[[gnu::noinline]] void frame_free_granules(void* frame, std::size_t granules) noexcept {
    pools& p = *mine;
    frame_home* home = home_word(frame, granules);
    // A block of this thread's home is small enough to have a class.
    if (home != p.home || !keep(p, *static_cast<block*>(frame), granules)) [[unlikely]]
        free_slowly(frame, home, granules);
}

void frame_source::begin(std::pmr::memory_resource* memory) noexcept {
    before_ = std::exchange(storage.source, memory);
    own();
}
void frame_source::end() noexcept {
    storage.source = before_;
    own();
}

bool frame_blocks_are_kept() noexcept {
    static const bool kept = [] {
        if (&__asan_init != nullptr || &__tsan_init != nullptr || &__msan_init != nullptr) return false;
        const char* wish = std::getenv("BIDE_FRAME_POOL");  // NOLINT(concurrency-mt-unsafe): nobody here sets it
        return wish == nullptr || wish[0] != '0' || wish[1] != '\0';
    }();
    return kept;
}

void count_foreign_frame(int by) noexcept { count(by); }

long frames_alive() noexcept { return alive.load(std::memory_order_relaxed); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
