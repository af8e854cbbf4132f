// SPDX-License-Identifier: BSL-1.0
// Which files there are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

struct file_entry {
    std::string name;  // below the directory, with slashes
    std::uintmax_t size = 0;
};

struct file_tree {
    std::vector<file_entry> files;  // in the order of their names
    std::size_t skipped = 0;        // neither file nor directory: links, sockets, devices
    std::vector<std::string> problems;
};

/// Every regular file below the directory, but not in `.git`, nor in `build` directories at its top, nor `except`.
file_tree list_files(const std::filesystem::path& directory, const std::vector<std::filesystem::path>& except);
