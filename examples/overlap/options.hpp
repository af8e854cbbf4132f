// SPDX-License-Identifier: BSL-1.0
// What the program was asked to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <variant>

struct options {
    std::filesystem::path directory;
    std::chrono::milliseconds delay{20};
    int concurrency = 16;
    std::uint16_t port = 0;  // 0: any that is free
    std::filesystem::path database;
    std::filesystem::path svg;
};

/// The options, or the status with which the program ends: 0 after --help, 2 after an error that was printed.
std::variant<options, int> read_options(int argc, char** argv);
