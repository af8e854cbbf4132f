// SPDX-License-Identifier: BSL-1.0
//
// What has happened, by kind. Each side has one for each kind of link, on its own thread; they are read when both have
// ended.
#pragma once

#include "link.hpp"
#include "plan.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <system_error>

namespace soak {

using counts = std::map<std::string, std::uint64_t>;

struct tally {
    std::uint64_t opened = 0;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t returned_out = 0;  // of connections of which everything comes back: both are the same
    std::uint64_t returned_in = 0;
    counts as_planned;
    counts faults;  // that the peer or the system made, as the operation told them; and stops, in brackets
    counts wrong;   // what must not happen

    void met(const std::error_code& e) { ++faults[e.message()]; }
    void bad(plan what, const std::string& why) { ++wrong[std::string(name_of(what)) + ": " + why]; }
    void done(plan what) { ++as_planned[std::string(name_of(what))]; }
};

/// By kind of link.
class ledger {
public:
    [[nodiscard]] tally& of(link which) noexcept { return all_[static_cast<std::size_t>(which)]; }
    [[nodiscard]] const tally& of(link which) const noexcept { return all_[static_cast<std::size_t>(which)]; }

private:
    std::array<tally, links> all_;
};

}  // namespace soak
