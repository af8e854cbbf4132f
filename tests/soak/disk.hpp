// SPDX-License-Identifier: BSL-1.0
//
// Files beside the connections: written and read back whole, stopped in the middle, and where they cannot be.
#pragma once

#include "tally.hpp"

#include <bide/task.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace soak {

/// One file after another in the directory, until the time has come.
bide::task<> use_files(std::filesystem::path directory, std::chrono::steady_clock::time_point until, std::uint64_t seed,
                       tally& t);

}  // namespace soak
