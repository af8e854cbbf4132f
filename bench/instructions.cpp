// SPDX-License-Identifier: BSL-1.0
//
// instructions ROW N: does one thing N times, for bench/instructions to count.
#include <bide/bide.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

bide::task<int> answer(int n) { co_return n; }
bide::task<> nothing() { co_return; }
bide::task<long> awaits(long n) {
    long sum = 0;
    for (long i = 0; i < n; ++i) sum += co_await answer(1);
    co_return sum;
}
bide::task<> yields(long n) {
    for (long i = 0; i < n; ++i) co_await bide::yield_now();
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::fputs("usage: instructions await|yield|start|wait N\n", stderr);
        return 2;
    }
    const char* row = arguments[1];
    const long n = std::strtol(arguments[2], nullptr, 10);
    if (std::strcmp(row, "await") == 0) {
        if (awaits(n).wait() != n) return 1;
    } else if (std::strcmp(row, "yield") == 0) {
        yields(n).wait();
    } else if (std::strcmp(row, "start") == 0) {
        for (long i = 0; i < n; i += 100)
            bide::with_scope([](bide::scope& s) {
                for (int k = 0; k < 100; ++k) s.start(nothing);
            });
    } else if (std::strcmp(row, "wait") == 0) {
        for (long i = 0; i < n; ++i)
            if (answer(1).wait() != 1) return 1;
    } else {
        return 2;
    }
    return 0;
}
