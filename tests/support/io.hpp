// SPDX-License-Identifier: BSL-1.0
//
// For tests of input and output: every descriptor that a test opens is closed again when it ends (no_leaks), and small
// helpers.
#pragma once

#include "no_leaks.hpp"
#include "temporary_directory.hpp"

#include <bide/io/stream.hpp>
#include <bide/task.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace support {

inline void put(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}
inline std::string content_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Bytes of which no two stretches are alike.
inline std::string pattern(std::size_t n) {
    std::string all(n, '\0');
    std::uint32_t x = 12345;
    for (char& c : all) {
        x = x * 1664525U + 1013904223U;
        c = static_cast<char>(x >> 24U);
    }
    return all;
}

inline std::vector<std::byte> byte_pattern(std::size_t n) {
    const std::string all = pattern(n);
    const auto bytes = std::as_bytes(std::span(all));
    return {bytes.begin(), bytes.end()};
}

template <class S>
bide::task<std::string> read_to_end(S& from) {
    std::string all;
    std::vector<std::byte> buffer(std::size_t{1} << 16);
    while (const std::size_t n = co_await from.read_some(buffer)) all += bide::text_of(std::span(buffer).first(n));
    co_return all;
}

/// The code of the std::system_error that f throws; none if it throws nothing.
template <class F>
std::error_code error_of(F&& f) {
    try {
        f();
    } catch (const std::system_error& e) {
        return e.code();
    }
    return {};
}

}  // namespace support
