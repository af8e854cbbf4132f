// SPDX-License-Identifier: BSL-1.0
// What happened when, and the picture of it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

enum class phase : std::uint8_t { fetch, hash, wait, insert };

struct segment {
    phase what = phase::fetch;
    double begin = 0;  // seconds since the run began
    double end = 0;
};

/// One file's way through a run.
struct lane {
    std::string name;
    std::uintmax_t size = 0;
    std::vector<segment> segments;
    double begin = 0;     // seconds since the run began
    std::string failure;  // empty: it went well
};

struct run_record {
    std::string title;
    double seconds = 0;
    std::vector<lane> lanes;
};

/// Throws std::system_error if the picture could not be written there. Leaves no file that was not there.
void check_writable(const std::filesystem::path& file);

/// Writes the picture: both runs on the same scale, and the second one magnified. `setting`: a sentence on what was
/// measured. Throws std::system_error.
void draw(const std::filesystem::path& file, const run_record& before, const run_record& after,
          const std::string& setting);
