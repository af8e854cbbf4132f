// SPDX-License-Identifier: BSL-1.0
//
// What has happened, by kind. Each side has one, on its own thread; they are added up when both have ended.
#pragma once

#include "plan.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <system_error>

namespace soak {

struct tally {
    std::uint64_t opened = 0;
    std::uint64_t as_planned[plans] = {};
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::map<std::string, std::uint64_t> faults;  // that the peer or the system made, as the operation told them
    std::map<std::string, std::uint64_t> wrong;   // what must not happen

    void met(const std::error_code& e) { ++faults[e.message()]; }
    void bad(plan what, const std::string& why) {
        ++wrong[std::string(plan_names[static_cast<std::size_t>(what)]) + ": " + why];
    }
    void done(plan what) noexcept { ++as_planned[static_cast<std::size_t>(what)]; }
};

/// How a peer's going shows: as a reset or a broken pipe, depending on what was under way.
[[nodiscard]] inline bool is_reset(const std::error_code& e) {
    return e == std::errc::connection_reset || e == std::errc::broken_pipe || e == std::errc::not_connected ||
           e == std::errc::connection_aborted;
}
/// Descriptors are short.
[[nodiscard]] inline bool is_short(const std::error_code& e) {
    return e == std::errc::too_many_files_open || e == std::errc::too_many_files_open_in_system;
}

}  // namespace soak
