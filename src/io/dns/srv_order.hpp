// SPDX-License-Identifier: BSL-1.0
//
// srv_order: in which order a client tries the places of a service (RFC 2782).
#pragma once

#include <bide/io/dns.hpp>

#include <cstdint>
#include <functional>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

/// Sorts by priority; within one priority it draws each next service at random, by weight. `up_to(n)` returns a random
/// number from 0 to n, n included.
void order_services(std::vector<srv_record>& all, const std::function<std::uint64_t(std::uint64_t)>& up_to);

}  // namespace detail
}  // namespace v0
}  // namespace bide
