// SPDX-License-Identifier: BSL-1.0
//
// The hooks, dev mode and the stall delay: process-wide words that any thread may set and read.
#include <bide/error.hpp>
#include <bide/hooks.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace bide {
inline namespace v0 {

namespace {

// By value, as unhandled_error_hook has it.
void write_unhandled(std::exception_ptr error, const char* where) {  // NOLINT(performance-unnecessary-value-param)
    std::string text;
    try {
        text = describe(error);
    } catch (...) {
        text = "(out of memory while describing it)";
    }
    std::fprintf(stderr, "bide: unhandled failure in %s: %s\n", where, text.c_str());
}

void write_report(const std::string& text) { std::fprintf(stderr, "bide: %s\n", text.c_str()); }

std::atomic<unhandled_error_hook> error_hook{&write_unhandled};
std::atomic<report_hook> finding_hook{&write_report};

enum : int { unread = -1 };
std::atomic<int> dev{unread};

constexpr std::chrono::milliseconds stall_delay_of_dev_mode{5000};
constexpr std::int64_t not_set = -1;
std::atomic<std::int64_t> stall_after{not_set};  // in ms

}  // namespace

unhandled_error_hook set_unhandled_error_hook(unhandled_error_hook hook) noexcept {
    // acq_rel: whatever the caller prepared for its hook is visible to the threads that call it.
    return error_hook.exchange(hook ? hook : &write_unhandled, std::memory_order_acq_rel);
}

void report_unhandled(std::exception_ptr error, const char* where) noexcept {
    try {
        error_hook.load(std::memory_order_acquire)(std::move(error), where);
    } catch (...) {  // no code could catch what a hook throws here
    }
}

report_hook set_report_hook(report_hook hook) noexcept {
    return finding_hook.exchange(hook ? hook : &write_report, std::memory_order_acq_rel);
}

void report(const std::string& text) noexcept {
    try {
        finding_hook.load(std::memory_order_acquire)(text);
    } catch (...) {  // as above
    }
}

bool dev_mode() noexcept {
    int now = dev.load(std::memory_order_relaxed);  // a flag of its own: nothing else is published by it
    if (now == unread) {
        const char* set = std::getenv("BIDE_DEV");  // NOLINT(concurrency-mt-unsafe): nobody here sets the environment
        now = set != nullptr && set[0] == '1' ? 1 : 0;
        dev.store(now, std::memory_order_relaxed);
    }
    return now == 1;
}

void set_stall_delay(std::optional<std::chrono::milliseconds> delay) noexcept {
    const std::chrono::milliseconds least(1);
    // relaxed: a number of its own, as above
    stall_after.store(delay ? (std::max)(*delay, least).count() : not_set, std::memory_order_relaxed);
}

std::chrono::milliseconds stall_delay() noexcept {
    const std::int64_t set = stall_after.load(std::memory_order_relaxed);
    if (set != not_set) return std::chrono::milliseconds(set);
    return dev_mode() ? stall_delay_of_dev_mode : std::chrono::milliseconds::max();
}

bool detail::stall_delay_is_never() noexcept {
    return stall_after.load(std::memory_order_relaxed) == std::chrono::milliseconds::max().count();
}

void set_dev_mode(bool on) noexcept { dev.store(on ? 1 : 0, std::memory_order_relaxed); }

}  // namespace v0
}  // namespace bide
