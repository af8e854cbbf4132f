// SPDX-License-Identifier: BSL-1.0
//
// Parts of the standard library that bide's headers name, and that cost a user's compiler more than all of bide when
// they come with the headers that are named after them: <chrono> brings the calendar and the streams, <memory> and
// <functional> the parallel algorithms and the hash tables, <ranges> every view. bide uses little of them:
//
//     chrono       durations, time points, the clocks and the literals; not the calendar, no formatting
//     functional   reference_wrapper
//     memory       addressof, allocator and its traits, allocator_arg, construct_at, destroy_at
//     mutex        mutex and lock_guard
//     ranges       the concepts and the customization points; no views
//
// libstdc++ 12, for which this was looked up (compiler.hpp says when that may go), has them in cheaper headers, whose own declarations need them; with every
// other library we take the headers in which the standard puts them. Nothing here is a promise to users, who include
// what they use. The list at the end is what we need, so that a wrong guess is an error here. (Names, and no assertions
// about the concepts: those took a tenth of what all of bide takes.)
#pragma once

#include <memory_resource>  // its declarations need some of the parts; also defines _GLIBCXX_RELEASE
#include <string_view>
#include <tuple>
#include <vector>

#if defined(_GLIBCXX_RELEASE) && _GLIBCXX_RELEASE == 12
#include <shared_mutex>  // its timed locks take durations and time points
#else
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <ranges>
#endif

namespace bide {
inline namespace v0 {
namespace detail {

namespace needed_parts {
using std::addressof;
using std::allocator;
using std::allocator_arg_t;
using std::allocator_traits;
using std::construct_at;
using std::destroy_at;
using std::iter_difference_t;
using std::iter_reference_t;
using std::lock_guard;
using std::mutex;
using std::reference_wrapper;
using std::chrono::ceil;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::time_point;
using std::ranges::begin;
using std::ranges::end;
using std::ranges::input_range;
using std::ranges::random_access_range;
using std::ranges::range_reference_t;
using std::ranges::range_rvalue_reference_t;
using std::ranges::size;
using std::ranges::sized_range;
using std::ranges::view;
using std::ranges::viewable_range;
static_assert(sizeof(std::reference_wrapper<int>) == sizeof(int*) && sizeof(milliseconds) != 0);
}  // namespace needed_parts

}  // namespace detail
}  // namespace v0
}  // namespace bide
