// SPDX-License-Identifier: BSL-1.0
#include <bide/detail/loop/stall.hpp>
#include <bide/error.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace bide {
inline namespace v0 {

namespace {

std::string join_places(const std::vector<std::string>& places) {
    std::string text = "scope ended with unfinished tasks, started at:";
    for (const std::string& place : places) text += "\n  " + place;
    text += "\n(exit_mode::fail cancelled and joined them; join them before the scope ends, or use exit_mode::wait)";
    return text;
}

std::string join_errors(const std::vector<std::exception_ptr>& errors) {
    std::string text = std::to_string(errors.size()) + " tasks of one scope failed:";
    for (const std::exception_ptr& error : errors) text += "\n  " + describe(error);
    return text;
}

// The signature is the hook's.
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

const char* to_string(stop_reason why) noexcept {
    switch (why) {
        case stop_reason::none:
            return "not stopped";
        case stop_reason::user:
            return "stop asked for by the program";
        case stop_reason::sibling_failed:
            return "another task of the scope failed";
        case stop_reason::deadline:
            return "the deadline passed";
        case stop_reason::scope_end:
            return "the scope ended";
        case stop_reason::shutdown:
            return "the loop or the program is shutting down";
    }
    return "unknown";
}

const char* cancelled::what() const noexcept { return to_string(why_); }

timed_out::timed_out() : std::runtime_error("timed out: the deadline of this with_timeout/with_deadline passed") {}

not_ready::not_ready()
    : usage_error("future::value(): the result is not there yet; wait() for it or co_await it, or ask status() first") {
}

scope_closed::scope_closed()
    : usage_error(
          "start through a scope_ref after its scope has ended; start before the end, or start in a scope that "
          "lives longer") {}

broken_promise::broken_promise()
    : usage_error("the promise was destroyed without a result; call set_value or set_exception on every path") {}

unfinished_tasks::unfinished_tasks(std::vector<std::string> places)
    : std::runtime_error(join_places(places)), places_(std::move(places)) {}

exception_group::exception_group(std::vector<std::exception_ptr> errors)
    : std::runtime_error(join_errors(errors)), errors_(std::move(errors)) {}

std::string describe(const std::exception_ptr& error) {
    if (!error) return "no error";
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (const cancelled& c) {
        return std::string("cancelled: ") + c.what();
    } catch (...) {
        return "an exception that is not a std::exception";
    }
}

unhandled_error_hook set_unhandled_error_hook(unhandled_error_hook hook) noexcept {
    // acq_rel: whatever the caller prepared for its hook is visible to the threads that call it.
    return error_hook.exchange(hook ? hook : &write_unhandled, std::memory_order_acq_rel);
}

void report_unhandled(std::exception_ptr error, const char* where) noexcept {
    try {
        error_hook.load(std::memory_order_acquire)(std::move(error), where);
    } catch (...) {  // a hook that throws has nobody to throw to
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

bool detail::stalls_are_wanted() noexcept {
    return stall_after.load(std::memory_order_relaxed) != std::chrono::milliseconds::max().count();
}

void set_dev_mode(bool on) noexcept { dev.store(on ? 1 : 0, std::memory_order_relaxed); }

}  // namespace v0
}  // namespace bide
