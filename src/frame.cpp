// SPDX-License-Identifier: BSL-1.0
#include "static_tls.hpp"

#include <bide/detail/frame.hpp>
#include <bide/detail/remote_list.hpp>
#include <bide/detail/spin_lock.hpp>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <mutex>
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

constexpr std::size_t classes = 64;          // larger frames go to operator new
constexpr unsigned kept_per_class = 4096;    // blocks that a thread keeps; more go back to operator delete
constexpr std::size_t small_classes = 24;    // of larger ones it keeps an eighth of that
constexpr unsigned kept_remote = 16 * 1024;  // blocks that may wait for their thread

struct block {
    block* next;
    std::size_t granules;  // written when it goes home
};

/// The home of the blocks that one thread has made. It outlives the thread, because they may; then another thread
/// takes it over.
struct thread_home final : frame_home {
    remote_list<block> come_back;
    thread_home* next_idle = nullptr;
    thread_home() noexcept : frame_home{&give_back} {}
    static void give_back(frame_home* self, void* frame, std::size_t granules) noexcept;
};

frame_home nobody{nullptr};  // no block has it

// usable and home say in one comparison each whether the short way is open.
struct pools {
    block* free[classes] = {};
    unsigned room[classes] = {};  // how many more may be kept
    std::size_t usable = 0;       // frames of fewer granules come from the free lists: 0 or `classes`
    std::size_t pooled = 0;       // the same for nodes, and for frames when no memory resource is in force
    frame_home* home = &nobody;
    std::pmr::memory_resource* source = nullptr;
    bool begun = false;  // the thread has its home, or is ending
};
constinit thread_local pools storage;
// Until the thread's first block: every short way is closed, so nothing is ever written to it.
constinit pools none;
BIDE_STATIC_TLS constinit thread_local pools* mine = &none;

// Of this thread, also before its first block.
pools& own() noexcept {
    mine = &storage;
    return storage;
}

struct idle_homes {
    spin_lock lock;
    thread_home* first = nullptr;
};
constinit idle_homes idle;

thread_home* get_home() {
    {
        const std::lock_guard guard(idle.lock);
        if (idle.first != nullptr) {
            thread_home* h = std::exchange(idle.first, idle.first->next_idle);
            h->come_back.open();
            return h;
        }
    }
    auto* h = new thread_home;  // never deleted, see above: as many as there were threads at one time
    h->come_back.open();
    return h;
}

void delete_all(block* b) noexcept {
    while (b != nullptr) ::operator delete(std::exchange(b, b->next));
}

// Gives the blocks back when the thread ends.
struct sweeper {
    sweeper() = default;
    sweeper(const sweeper&) = delete;
    sweeper& operator=(const sweeper&) = delete;
    ~sweeper() {
        pools& p = own();
        p.usable = p.pooled = 0;
        auto* h = static_cast<thread_home*>(std::exchange(p.home, &nobody));
        for (block*& first : p.free) delete_all(std::exchange(first, nullptr));
        if (h == &nobody) return;
        block* late = h->come_back.close();
        unsigned n = 0;
        for (const block* b = late; b != nullptr; b = b->next) ++n;
        h->come_back.took(n);
        delete_all(late);
        const std::lock_guard guard(idle.lock);
        h->next_idle = std::exchange(idle.first, h);
    }
    void touch() noexcept {}
};
thread_local sweeper sweep;

// A thread's first block.
void begin(pools& p) {
    if (p.begun) return;
    if (frame_blocks_are_kept()) {
        sweep.touch();
        p.home = get_home();
        p.pooled = classes;
        p.usable = p.source == nullptr ? classes : 0;
        for (std::size_t c = 0; c < classes; ++c) p.room[c] = c < small_classes ? kept_per_class : kept_per_class / 8;
    }
    p.begun = true;
}

std::atomic<long> alive{0};
// relaxed: a statistic. Frames in kept blocks are not counted: their short way touches nothing that is shared.
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

// What other threads have freed comes into the free lists.
void take_remote(pools& p) noexcept {
    auto& list = static_cast<thread_home*>(p.home)->come_back;
    unsigned n = 0;
    for (block* b = list.take(); b != nullptr; ++n) {
        block* after = b->next;
        const std::size_t c = b->granules;
        if (p.room[c] != 0) {
            b->next = std::exchange(p.free[c], b);
            --p.room[c];
        } else {
            ::operator delete(b);
        }
        b = after;
    }
    if (n != 0) list.took(n);
}

[[gnu::noinline]] void* alloc_slowly(std::size_t granules) {
    pools& p = own();
    begin(p);
    if (granules >= p.pooled) {
        void* place = ::operator new(granules* frame_granule);
        home_word(place, granules) = nullptr;
        count(1);
        return place;
    }
    if (p.free[granules] == nullptr) take_remote(p);
    if (block* b = p.free[granules]) {
        p.free[granules] = b->next;
        ++p.room[granules];
        return b;
    }
    void* place = ::operator new(granules* frame_granule);
    home_word(place, granules) = p.home;  // and stays there as long as the block lives
    return place;
}

[[gnu::noinline]] void* frame_slowly(std::size_t granules) {
    if (mine->source != nullptr) return from_resource(granules, mine->source);
    return alloc_slowly(granules);
}

void thread_home::give_back(frame_home* self, void* frame, std::size_t granules) noexcept {
    auto* b = static_cast<block*>(frame);
    b->granules = granules;
    // Of this thread: it has enough of them.
    if (self == mine->home || !static_cast<thread_home*>(self)->come_back.push(*b, kept_remote)) ::operator delete(b);
}

[[gnu::noinline]] void free_slowly(void* frame, frame_home* home, std::size_t granules) noexcept {
    if (home != nullptr) return home->release(home, frame, granules);
    count(-1);
    ::operator delete(frame);
}

}  // namespace

[[gnu::noinline]] void* frame_alloc_granules(std::size_t granules) {
    pools& p = *mine;
    if (granules >= p.usable || p.free[granules] == nullptr) [[unlikely]]
        return frame_slowly(granules);
    block* b = p.free[granules];
    p.free[granules] = b->next;
    ++p.room[granules];
    return b;
}

[[gnu::noinline]] void* node_alloc_granules(std::size_t granules) {
    pools& p = *mine;
    if (granules >= p.pooled || p.free[granules] == nullptr) [[unlikely]]
        return alloc_slowly(granules);
    block* b = p.free[granules];
    p.free[granules] = b->next;
    ++p.room[granules];
    return b;
}

[[gnu::noinline]] void frame_free_granules(void* frame, std::size_t granules) noexcept {
    pools& p = *mine;
    frame_home* home = home_word(frame, granules);
    // A block of this thread's has a class.
    if (home != p.home || p.room[granules] == 0) [[unlikely]]
        return free_slowly(frame, home, granules);
    auto* b = static_cast<block*>(frame);
    b->next = p.free[granules];
    p.free[granules] = b;
    --p.room[granules];
}

void frame_source::begin(std::pmr::memory_resource* memory) noexcept {
    pools& p = own();
    before_ = std::exchange(p.source, memory);
    p.usable = 0;
}
void frame_source::end() noexcept {
    pools& p = own();
    p.source = before_;
    if (before_ == nullptr) p.usable = p.pooled;
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
