// SPDX-License-Identifier: BSL-1.0
// What is printed: progress while working, and a table at the end.
#pragma once

#include "timeline.hpp"

#include <chrono>
#include <cstdint>
#include <string>

/// One line that is rewritten on a terminal; a few lines elsewhere.
class progress {
public:
    progress(std::string title, std::size_t files);
    ~progress();
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    void show(std::size_t done, std::uintmax_t bytes);

private:
    std::string title_;
    std::size_t files_;
    bool terminal_;
    std::size_t next_ = 0;  // elsewhere: the next line comes at so many
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point shown_{};
};

/// "1.4 MiB", "12.3 ms", "4.56 s".
std::string in_bytes(std::uintmax_t n);
std::string in_time(double seconds);

void print_table(const run_record& before, const run_record& after);
