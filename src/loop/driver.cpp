// SPDX-License-Identifier: BSL-1.0
//
// Which driver a new loop gets: the virtual one in a test with virtual time, else the system's with or without
// io_uring. The loop's constructor asks, on the thread that makes the loop.
#include "loop/system_driver.hpp"

#include <bide/detail/loop/driver.hpp>
#include <bide/detail/loop/virtual_clock.hpp>
#include <bide/error.hpp>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

io_driver parse_driver(const char* text) {
    const std::string_view word = text != nullptr ? text : "";
    if (word.empty() || word == "auto") return io_driver::automatic;
    if (word == "epoll") return io_driver::epoll;
    if (word == "io_uring") return io_driver::io_uring;
    throw usage_error("BIDE_DRIVER=" + std::string(word) + ": there is no such driver; epoll, io_uring or auto");
}

io_driver driver_of_environment() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody here sets the environment
    static const io_driver set = parse_driver(std::getenv("BIDE_DRIVER"));
    return set;
}

owned_ptr<driver> make_default_driver(io_driver wanted) {
    if (counted_ptr<virtual_clock> clock = clock_of_this_thread()) return make_virtual_driver(std::move(clock));
    const io_driver chosen = wanted != io_driver::automatic ? wanted : driver_of_environment();
    owned_ptr<driver> made = make_system_driver(chosen != io_driver::epoll);
    if (wanted == io_driver::io_uring) made->demand_ring();
    return made;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
