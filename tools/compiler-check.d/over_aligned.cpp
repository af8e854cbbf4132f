// SPDX-License-Identifier: BSL-1.0
// class: locals that want more alignment than operator new gives
// remedy: keep them out of coroutines: hold them by pointer, or in a plain function
#include "check.hpp"

#include <cstdint>

// A frame from memory that is aligned for 16 bytes, as operator new promises, and not by luck for more.
struct unlucky {
    struct promise_type {
        alignas(64) static inline unsigned char memory[4096];
        static void* operator new(std::size_t n) {
            if (n + 16 > sizeof memory) std::abort();
            return memory + 16;
        }
        static void operator delete(void*, std::size_t) {}
        unlucky get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
template <std::size_t n>
struct alignas(n) aligned {
    unsigned char c[n];
};
static bool at(const volatile void* p, std::uintptr_t n) { return reinterpret_cast<std::uintptr_t>(p) % n == 0; }
static unlucky local_of_64() {
    volatile aligned<64> a{};
    co_await park();
    expect(at(&a, 64));
}
static unlucky local_of_32() {
    volatile aligned<32> a{};
    co_await park();
    expect(at(&a, 32));
}
static unlucky parameter_of_64(aligned<64> a) {
    co_await park();
    expect(at(&a, 64));
}
PLAIN_CASE(sixty_four_bytes) {
    local_of_64();
    std::exchange(parked, {}).resume();
}
PLAIN_CASE(thirty_two_bytes) {
    local_of_32();
    std::exchange(parked, {}).resume();
}
PLAIN_CASE(a_parameter) {
    parameter_of_64({});
    std::exchange(parked, {}).resume();
}
