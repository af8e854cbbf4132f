// SPDX-License-Identifier: BSL-1.0
// A stranger's program that uses the parts: headers, libraries and what they need are found and fit each other.
#include <bide/io/connect.hpp>
#include <bide/io/tls.hpp>
#include <bide/version.hpp>

#include <cstdio>

int main() {
    if (!bide::version_matches()) return 1;
    const auto context = bide::tls_context::client();
    if (bide::lookup("127.0.0.1", 443).wait().size() != 1) return 1;
    std::printf("bide %.*s\n", static_cast<int>(bide::version().size()), bide::version().data());
}
