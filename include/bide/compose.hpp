// SPDX-License-Identifier: BSL-1.0
//
// compose.hpp is called builders.hpp now: include that. This header goes away in the version after next.
#pragma once

#include <bide/builders.hpp>
