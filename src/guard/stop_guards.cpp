// SPDX-License-Identifier: BSL-1.0
//
// What with_stop, shield and finally do when they begin and end, and what they report.
//
// The awaiting chain's thread calls all of it but registration::asked(), which the thread of the stop request calls.
#include "base/place.hpp"

#include <bide/detail/guard/stop_guards.hpp>
#include <bide/hooks.hpp>

#include <string>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

// ---- with_stop ------------------------------------------------------------------------------------------------------

void stop_guard::enter(context& outer) noexcept {
    stop_.link_to(*outer.stop);
    registration_.enter(token_.state());
}

void stop_guard::registration::asked(stop_callback_link* self) noexcept {
    stop_guard& guard = static_cast<registration*>(static_cast<stop_registration*>(self))->owner;
    guard.stop_.request(guard.token_.reason());
}

bool stop_guard::leave(bool) noexcept {
    registration_.leave();  // a request that is under way on another thread is waited for: it only posts
    return true;
}

void stop_guard::throw_stopped() const { throw cancelled(stop_.requested() ? stop_.reason() : stop_reason::user); }

// ---- shield ---------------------------------------------------------------------------------------------------------

void shield_guard::enter(context&) noexcept { ctx_.deadline = time_point::max(); }

void shield_guard::throw_stopped() const { throw cancelled(stop_reason::user); }

// ---- finally --------------------------------------------------------------------------------------------------------

bool cleanup_awaiter::passes_on() noexcept {
    result_.settle(stop_);
    return false;
}

void report_unfinished_cleanup(const std::source_location& where) noexcept {
    try {
        report(std::string("finally: the cleanup was stopped at its limit before it had ended (") +
               where.function_name() + " at " + place_of(where) + ")");
    } catch (...) {
        report("finally: a cleanup was stopped at its limit before it had ended");
    }
}

void report_second_failure(std::exception_ptr of_cleanup) noexcept {
    report_unhandled(std::move(of_cleanup), "a cleanup (finally) after a body that had failed itself");
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
