// SPDX-License-Identifier: BSL-1.0
//
// What the peers' programs in C++ share: PROGRAM ROW N, PROGRAM --rows (see README.md).
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rows {

struct row {
    const char* name;
    void (*times)(long n);
    bool prints = false;  // it measures by itself
};

inline double cpu_ns() {
    rusage u{};
    getrusage(RUSAGE_SELF, &u);
    const auto ns = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3;
    };
    return ns(u.ru_utime) + ns(u.ru_stime);
}

inline double resident_bytes() {
    long total = 0;
    long pages = 0;
    if (std::FILE* f = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(f, "%ld %ld", &total, &pages) != 2) pages = 0;
        std::fclose(f);
    }
    return static_cast<double>(pages) * 4096;
}

template <std::size_t N>
int main(const row (&all)[N], int count, char** arguments) {
    if (count == 2 && std::strcmp(arguments[1], "--rows") == 0) {
        for (const row& r : all) std::puts(r.name);
        return 0;
    }
    const long n = count == 3 ? std::atol(arguments[2]) : 0;
    if (n < 1) {
        std::fputs("usage: PROGRAM ROW N | --rows\n", stderr);
        return 2;
    }
    for (const row& r : all) {
        if (std::strcmp(r.name, arguments[1]) != 0) continue;
        if (r.prints) {
            r.times(n);
            return 0;
        }
        r.times(n / 10 + 1);
        const auto begin = std::chrono::steady_clock::now();
        const double used = cpu_ns();
        r.times(n);
        const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
        std::printf("%.2f %.2f\n", took.count() / static_cast<double>(n), (cpu_ns() - used) / static_cast<double>(n));
        return 0;
    }
    std::fprintf(stderr, "there is no row %s\n", arguments[1]);
    return 2;
}

}  // namespace rows
