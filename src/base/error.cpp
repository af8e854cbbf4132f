// SPDX-License-Identifier: BSL-1.0
//
// The messages of bide's own exceptions, and describe(), which gives the text of any exception. The thread that throws
// or reports calls them.
#include <bide/error.hpp>

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

}  // namespace v0
}  // namespace bide
