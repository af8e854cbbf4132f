// SPDX-License-Identifier: BSL-1.0
//
// Where coroutine frames live: in blocks from free lists per thread and size class, or in memory that the coroutine's
// caller chose, by a first parameter pair (std::allocator_arg, a) or by a scope's memory resource.
//
// Layout: [ frame, n bytes ][ … ][ word: the frame_home that takes the memory back; null: operator delete ]. A block is
// a whole number of granules, and the word is the block's last: so the home is found from the frame alone, and any
// thread may destroy a frame. A block that another thread frees is put into the remote_list of the thread that made it,
// which collects it when its own free list is empty.
//
// Whether blocks are kept for reuse is decided once, at run time. They are not kept under a sanitizer, which could not
// see a use after free otherwise, nor with BIDE_FRAME_POOL=0 (for valgrind).
#pragma once

#include <bide/detail/base/std_parts.hpp>

#include <cstddef>
#include <memory_resource>
#include <new>

namespace bide {
inline namespace v0 {
namespace detail {

struct frame_home {
    void (*release)(frame_home* self, void* frame, std::size_t granules) noexcept;
};

inline constexpr std::size_t frame_granule = 32;
/// How many granules a frame of `bytes` takes, with its word. A constant where the compiler knows the frame's size.
inline constexpr std::size_t granules_for(std::size_t bytes) noexcept {
    return (bytes + sizeof(frame_home*) + frame_granule - 1) / frame_granule;
}
inline constexpr std::size_t frame_classes = 64;  // frames of this many granules or more come from operator new
[[nodiscard]] void* frame_alloc_granules(std::size_t granules);  // fewer than frame_classes
[[nodiscard]] void* frame_alloc_slowly(std::size_t granules);
[[nodiscard]] void* node_alloc_granules(std::size_t granules);
void frame_free_granules(void* frame, std::size_t granules) noexcept;

[[nodiscard]] inline void* frame_alloc(std::size_t bytes) {
    const std::size_t granules = granules_for(bytes);
    return granules < frame_classes ? frame_alloc_granules(granules) : frame_alloc_slowly(granules);
}
inline void frame_free(void* frame, std::size_t bytes) noexcept { frame_free_granules(frame, granules_for(bytes)); }
/// Memory for a node that may outlive the scope whose memory resource is in force: always from the free lists.
[[nodiscard]] inline void* node_alloc(std::size_t bytes) { return node_alloc_granules(granules_for(bytes)); }

/// While it lives, frames made on this thread come from `memory`. With null it changes nothing.
class frame_source {
public:
    explicit frame_source(std::pmr::memory_resource* memory) noexcept : active_(memory != nullptr) {
        if (active_) begin(memory);
    }
    frame_source(const frame_source&) = delete;
    frame_source& operator=(const frame_source&) = delete;
    ~frame_source() {
        if (active_) end();
    }

private:
    void begin(std::pmr::memory_resource* memory) noexcept;
    void end() noexcept;
    std::pmr::memory_resource* before_ = nullptr;
    bool active_;
};

/// The number of live frames and nodes: all of them where blocks are not kept, else those in memory that the user
/// chose. For tests.
[[nodiscard]] long frames_alive() noexcept;

/// The last word of a block.
inline frame_home*& home_word(void* frame, std::size_t granules) noexcept {
    return *reinterpret_cast<frame_home**>(static_cast<std::byte*>(frame) + granules * frame_granule -
                                           sizeof(frame_home*));
}
void count_foreign_frame(int by) noexcept;
/// Returns false under a sanitizer, and with BIDE_FRAME_POOL=0.
[[nodiscard]] bool frame_blocks_are_kept() noexcept;

/// Takes a frame from the user's allocator; a copy of the allocator lies behind the frame.
template <class Alloc>
[[nodiscard]] void* frame_alloc_from(std::size_t bytes, const Alloc& alloc) {
    struct alignas(std::max_align_t) block_unit {
        std::byte b[alignof(std::max_align_t)];
    };
    using unit_alloc = typename std::allocator_traits<Alloc>::template rebind_alloc<block_unit>;
    using unit_traits = std::allocator_traits<unit_alloc>;
    struct home final : frame_home {
        unit_alloc alloc;
        explicit home(const Alloc& a) : frame_home{&give_back}, alloc(a) {}
        static std::size_t place(std::size_t granules) noexcept {
            return (granules * frame_granule + alignof(home) - 1) / alignof(home) * alignof(home);
        }
        static std::size_t units(std::size_t granules) noexcept {
            return (place(granules) + sizeof(home) + sizeof(block_unit) - 1) / sizeof(block_unit);
        }
        static void give_back(frame_home* self, void* block, std::size_t granules) noexcept {
            count_foreign_frame(-1);
            auto* h = static_cast<home*>(self);
            unit_alloc a(std::move(h->alloc));
            h->~home();
            unit_traits::deallocate(a, static_cast<block_unit*>(block), units(granules));
        }
    };
    const std::size_t granules = granules_for(bytes);
    unit_alloc a(alloc);
    void* block = unit_traits::allocate(a, home::units(granules));
    home_word(block, granules) = ::new (static_cast<std::byte*>(block) + home::place(granules)) home(alloc);
    count_foreign_frame(1);
    return block;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
