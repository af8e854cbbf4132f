// SPDX-License-Identifier: BSL-1.0
//
// In which order the places of a service are tried (RFC 2782).
#pragma once

#include <bide/io/dns.hpp>

#include <cstdint>
#include <functional>
#include <vector>

namespace bide {
inline namespace v0 {
namespace detail {

/// By priority; within one, each next is drawn at random, by weight. `up_to(n)`: a random number from 0 to n, n
/// included.
void order_services(std::vector<srv_record>& all, const std::function<std::uint64_t(std::uint64_t)>& up_to);

}  // namespace detail
}  // namespace v0
}  // namespace bide
