// SPDX-License-Identifier: BSL-1.0
#include "limits.hpp"

#include <sys/resource.h>
#include <algorithm>

int possible_at_once(int wanted) {
    // A file under way is a socket of the client's, one of the server's, and the file itself. Some more are the
    // program's own: its streams, the loops', the database's.
    constexpr rlim_t each = 3;
    constexpr rlim_t own = 32;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
    const rlim_t needed = own + each * static_cast<rlim_t>(wanted);
    if (limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max) {
        const rlimit raised{std::min(limit.rlim_max, needed), limit.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    if (limit.rlim_cur >= needed) return wanted;
    return static_cast<int>(std::max<rlim_t>(limit.rlim_cur, own + each) - own) / static_cast<int>(each);
}
