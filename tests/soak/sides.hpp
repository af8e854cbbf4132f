// SPDX-License-Identifier: BSL-1.0
//
// Both sides of the soak. Each tells what it saw in its own ledger, on the thread where it runs.
#pragma once

#include "link.hpp"
#include "tally.hpp"

#include <bide/io/tls_context.hpp>
#include <bide/task.hpp>

#include <chrono>
#include <cstdint>

namespace soak {

struct listeners {
    bide::tcp_listener tcp;
    bide::local_listener local;
    bide::tcp_listener tls;
    bide::tls_context identity;
};

/// Where they listen, and where nobody does.
struct addresses {
    std::uint16_t tcp;
    std::uint16_t tls;
    std::uint16_t nobody;
    bide::local_endpoint local;
    bide::local_endpoint local_nobody;
    bide::tls_context trusting;
};

/// Until it is stopped.
bide::task<> serve(listeners& at, ledger& sums);

/// One connection after another, until the time has come.
bide::task<> call(const addresses& at, std::chrono::steady_clock::time_point until, std::uint64_t seed, ledger& sums);

}  // namespace soak
