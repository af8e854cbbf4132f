// SPDX-License-Identifier: BSL-1.0
#include "failing_new.hpp"

#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

namespace memory {
namespace {

constinit std::atomic<long> live{0};
constinit thread_local long until = 0;  // the allocation that fails, counted down; 0: none
constinit thread_local bool did_fail = false;
constinit thread_local bool goes_on = false;

void* take(std::size_t n, std::size_t alignment) {
    if (until != 0 && --until == 0) {
        did_fail = true;
        if (goes_on) until = 1;
        return nullptr;
    }
    if (n == 0) n = 1;
    void* const at = alignment <= alignof(std::max_align_t)
                         ? std::malloc(n)
                         : std::aligned_alloc(alignment, (n + alignment - 1) / alignment * alignment);
    if (at != nullptr) live.fetch_add(1, std::memory_order_relaxed);  // relaxed: read when threads have been joined
    return at;
}

void* need(std::size_t n, std::size_t alignment) {
    void* const at = take(n, alignment);
    if (at == nullptr) throw std::bad_alloc();
    return at;
}

void give_back(void* at) noexcept {
    if (at == nullptr) return;
    live.fetch_sub(1, std::memory_order_relaxed);
    std::free(at);
}

}  // namespace

long blocks() noexcept { return live.load(std::memory_order_relaxed); }

short_at::short_at(long n, shortage how) noexcept {
    did_fail = false;
    goes_on = how == shortage::for_good;
    until = n;
}
short_at::~short_at() { until = 0; }
bool short_at::failed() const noexcept { return did_fail; }

plenty::plenty() noexcept : before_(std::exchange(until, 0)) {}
plenty::~plenty() { until = before_; }

}  // namespace memory

namespace {
constexpr std::size_t plain = alignof(std::max_align_t);
std::size_t of(std::align_val_t a) noexcept { return static_cast<std::size_t>(a); }
}  // namespace

void* operator new(std::size_t n) { return memory::need(n, plain); }
void* operator new[](std::size_t n) { return memory::need(n, plain); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return memory::take(n, plain); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return memory::take(n, plain); }
void* operator new(std::size_t n, std::align_val_t a) { return memory::need(n, of(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return memory::need(n, of(a)); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return memory::take(n, of(a)); }
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return memory::take(n, of(a));
}
void operator delete(void* at) noexcept { memory::give_back(at); }
void operator delete[](void* at) noexcept { memory::give_back(at); }
void operator delete(void* at, std::size_t) noexcept { memory::give_back(at); }
void operator delete[](void* at, std::size_t) noexcept { memory::give_back(at); }
void operator delete(void* at, const std::nothrow_t&) noexcept { memory::give_back(at); }
void operator delete[](void* at, const std::nothrow_t&) noexcept { memory::give_back(at); }
void operator delete(void* at, std::align_val_t) noexcept { memory::give_back(at); }
void operator delete[](void* at, std::align_val_t) noexcept { memory::give_back(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { memory::give_back(at); }
void operator delete[](void* at, std::size_t, std::align_val_t) noexcept { memory::give_back(at); }
void operator delete(void* at, std::align_val_t, const std::nothrow_t&) noexcept { memory::give_back(at); }
void operator delete[](void* at, std::align_val_t, const std::nothrow_t&) noexcept { memory::give_back(at); }
