// SPDX-License-Identifier: BSL-1.0
// SHA-256, by OpenSSL. Plain code that computes: it belongs on a thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

class sha256 {
public:
    sha256();
    void add(std::span<const std::byte> bytes);
    /// In hexadecimal; once.
    std::string finish();

private:
    struct free_context {
        void operator()(void* context) const noexcept;
    };
    std::unique_ptr<void, free_context> context_;
};

/// Of a file on disk; throws std::system_error.
std::string sha256_of(const std::filesystem::path& file);
