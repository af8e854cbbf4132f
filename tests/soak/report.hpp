// SPDX-License-Identifier: BSL-1.0
//
// What one side has seen, as a table: what it was, by kind of link.
#pragma once

#include "tally.hpp"

#include <cstdint>
#include <string>

namespace soak {

[[nodiscard]] std::string report(const std::string& side, const ledger& of);
[[nodiscard]] std::uint64_t connections(const ledger& of);
/// What must not happen, and did.
[[nodiscard]] std::uint64_t dropped(const ledger& of);
/// Of many, each kind has to have come: otherwise it was not tested.
void miss_what_never_came(ledger& clients);

}  // namespace soak
