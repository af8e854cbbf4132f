// SPDX-License-Identifier: BSL-1.0
//
// parallel.hpp is called for_each.hpp now: include that. This header goes away in the version after next.
#pragma once

#include <bide/for_each.hpp>
