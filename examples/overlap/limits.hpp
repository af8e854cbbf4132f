// SPDX-License-Identifier: BSL-1.0
// What the system lets one process have.
#pragma once

/// How many files can be under way at once, of `wanted`: each takes descriptors, and of these a process may have so
/// many and no more. Raises that limit as far as it may be raised without asking anybody.
int possible_at_once(int wanted);
