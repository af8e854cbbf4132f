// SPDX-License-Identifier: BSL-1.0
//
// Both sides of the soak. Each tells what it saw in its own tally, on the thread where it runs.
#pragma once

#include "tally.hpp"

#include <bide/io/tcp.hpp>
#include <bide/task.hpp>

#include <chrono>
#include <cstdint>

namespace soak {

/// What follows is a reset: what was not sent is thrown away, and the peer is told so.
void reset(bide::tcp_stream& s);

/// Until it is stopped.
bide::task<> serve(bide::tcp_listener& at, tally& t);

/// One connection after another, until the time has come. `closed`: where nobody listens.
bide::task<> call(std::uint16_t port, std::uint16_t closed, std::chrono::steady_clock::time_point until,
                  std::uint64_t seed, tally& t);

}  // namespace soak
