// SPDX-License-Identifier: BSL-1.0
//
// Where coroutine frames live: per-thread size classes by default (decided at run time: off under sanitizers, which
// would not see a use after free otherwise), or wherever the coroutine's caller said, through a first parameter pair
// (std::allocator_arg, a) or a scope's memory resource.
//
// Layout: [ frame, n bytes ][ word: null, or the frame_home that takes the memory back ]. The home is found from the
// frame alone, so a frame can be destroyed anywhere, by anybody.
#pragma once

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>

namespace bide {
inline namespace v0 {
namespace detail {

struct frame_home {
    void (*release)(frame_home* self, void* block, std::size_t bytes) noexcept;
};

[[nodiscard]] void* frame_alloc(std::size_t bytes);
void frame_free(void* frame, std::size_t bytes) noexcept;
/// For what may outlive the scope whose memory a frame_source has put in force: always from the free lists.
[[nodiscard]] void* node_alloc(std::size_t bytes);

/// While it lives, frames made on this thread come from `memory` (null: leaves things as they are).
class frame_source {
public:
    explicit frame_source(std::pmr::memory_resource* memory) noexcept;
    frame_source(const frame_source&) = delete;
    frame_source& operator=(const frame_source&) = delete;
    ~frame_source();

private:
    std::pmr::memory_resource* before_;
    bool active_;
};

/// Frames and nodes that are alive: all of them in sanitizer builds, in others those from memory of the user's.
[[nodiscard]] long frames_alive() noexcept;

inline constexpr std::size_t word_align(std::size_t n) noexcept {
    return (n + sizeof(void*) - 1) / sizeof(void*) * sizeof(void*);
}
inline frame_home*& home_word(void* frame, std::size_t bytes) noexcept {
    return *reinterpret_cast<frame_home**>(static_cast<std::byte*>(frame) + word_align(bytes));
}
void count_foreign_frame(int by) noexcept;

/// A frame from an allocator of the user's; a copy of the allocator lies behind the frame.
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
        static std::size_t place(std::size_t n) noexcept {
            return (word_align(n) + sizeof(void*) + alignof(home) - 1) / alignof(home) * alignof(home);
        }
        static std::size_t units(std::size_t n) noexcept {
            return (place(n) + sizeof(home) + sizeof(block_unit) - 1) / sizeof(block_unit);
        }
        static void give_back(frame_home* self, void* block, std::size_t n) noexcept {
            auto* h = static_cast<home*>(self);
            unit_alloc a(std::move(h->alloc));
            h->~home();
            unit_traits::deallocate(a, static_cast<block_unit*>(block), units(n));
        }
    };
    unit_alloc a(alloc);
    void* block = unit_traits::allocate(a, home::units(bytes));
    home_word(block, bytes) = ::new (static_cast<std::byte*>(block) + home::place(bytes)) home(alloc);
    count_foreign_frame(1);
    return block;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
