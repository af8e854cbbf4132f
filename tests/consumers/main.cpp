// SPDX-License-Identifier: BSL-1.0
// A stranger's program: the least that shows that headers and library are found and fit each other.
#include <bide/version.hpp>

#include <cstdio>

int main() {
    if (!bide::version_matches()) return 1;
    std::printf("bide %.*s\n", static_cast<int>(bide::version().size()), bide::version().data());
}
