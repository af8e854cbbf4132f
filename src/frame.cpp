// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/frame.hpp>

#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool pooled = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif
#else
constexpr bool pooled = true;
#endif

constexpr std::size_t granule = 32;        // bytes between two size classes
constexpr std::size_t classes = 24;        // larger frames go to operator new
constexpr unsigned kept_per_class = 4096;  // blocks that a thread keeps; more go back to operator delete

struct block {
    block* next;
};

struct pools {
    block* free[classes] = {};
    unsigned kept[classes] = {};
    std::pmr::memory_resource* source = nullptr;
    bool closed = false;  // the thread is ending: what is freed from now on goes back at once
};
constinit thread_local pools mine;

// Gives the blocks back when the thread ends. Touched when the first block is kept.
struct sweeper {
    sweeper() = default;
    sweeper(const sweeper&) = delete;
    sweeper& operator=(const sweeper&) = delete;
    ~sweeper() {
        mine.closed = true;
        for (block*& first : mine.free)
            while (block* b = first) {
                first = b->next;
                ::operator delete(b);
            }
    }
    void touch() noexcept {}
};
thread_local sweeper sweep;

std::atomic<long> alive{0};

void count(int by) noexcept {
    // relaxed: a statistic; only sanitizer builds pay for it on every frame, the others on foreign frames only.
    alive.fetch_add(by, std::memory_order_relaxed);
}

struct resource_home final : frame_home {
    std::pmr::memory_resource* memory;
    explicit resource_home(std::pmr::memory_resource* m) noexcept : frame_home{&give_back}, memory(m) {}
    static std::size_t total(std::size_t n) noexcept { return word_align(n) + sizeof(void*) + sizeof(resource_home); }
    static void give_back(frame_home* self, void* place, std::size_t n) noexcept {
        static_cast<resource_home*>(self)->memory->deallocate(place, total(n), alignof(std::max_align_t));
    }
};

void* from_resource(std::size_t n, std::pmr::memory_resource* memory) {
    void* place = memory->allocate(resource_home::total(n), alignof(std::max_align_t));
    auto* behind = static_cast<std::byte*>(place) + word_align(n) + sizeof(void*);
    home_word(place, n) = ::new (behind) resource_home(memory);
    count(1);
    return place;
}

std::size_t class_of(std::size_t total) noexcept { return (total + granule - 1) / granule; }

}  // namespace

namespace {
inline void* alloc_here(pools& p, std::size_t n) {
    const std::size_t total = word_align(n) + sizeof(void*);
    void* place = nullptr;
    if constexpr (pooled) {
        const std::size_t c = class_of(total);
        if (c < classes) [[likely]] {
            if (block* b = p.free[c]) [[likely]] {
                p.free[c] = b->next;
                --p.kept[c];
                place = b;
            } else {
                place = ::operator new(c* granule);
            }
        } else {
            place = ::operator new(total);
        }
    } else {
        place = ::operator new(total);
        count(1);
    }
    home_word(place, n) = nullptr;
    return place;
}

}  // namespace

[[gnu::noinline]] void* frame_alloc(std::size_t n) {
    pools& p = mine;
    if (p.source != nullptr) [[unlikely]]
        return from_resource(n, p.source);
    return alloc_here(p, n);
}

[[gnu::noinline]] void* node_alloc(std::size_t n) { return alloc_here(mine, n); }

[[gnu::noinline]] void frame_free(void* frame, std::size_t n) noexcept {
    if (frame_home* home = home_word(frame, n)) [[unlikely]] {
        count(-1);
        home->release(home, frame, n);
        return;
    }
    if constexpr (pooled) {
        pools& p = mine;
        const std::size_t c = class_of(word_align(n) + sizeof(void*));
        if (c < classes && p.kept[c] < kept_per_class && !p.closed) [[likely]] {
            if (p.kept[c] == 0) sweep.touch();
            auto* b = static_cast<block*>(frame);
            b->next = p.free[c];
            p.free[c] = b;
            ++p.kept[c];
            return;
        }
        ::operator delete(frame);
    } else {
        count(-1);
        ::operator delete(frame);
    }
}

frame_source::frame_source(std::pmr::memory_resource* memory) noexcept
    : before_(mine.source), active_(memory != nullptr) {
    if (active_) mine.source = memory;
}
frame_source::~frame_source() {
    if (active_) mine.source = before_;
}

void count_foreign_frame(int by) noexcept { count(by); }

long frames_alive() noexcept { return alive.load(std::memory_order_relaxed); }

}  // namespace detail
}  // namespace v0
}  // namespace bide
