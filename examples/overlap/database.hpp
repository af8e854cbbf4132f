// SPDX-License-Identifier: BSL-1.0
// The notes, in SQLite. Plain code that blocks; one connection, one caller at a time: see runs.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

struct note {
    std::string run;
    std::string name;
    std::uintmax_t size = 0;
    std::string hash;
    double milliseconds = 0;  // from asking for the file to having its hash
};

/// Names the file and the reason. What one note cannot be written for, none can: it ends the run.
class database_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class database {
public:
    /// Opens or makes the file, empties its table 'overlap', and keeps other programs out of it. Everything here throws
    /// database_error.
    explicit database(const std::filesystem::path& file);

    void insert(const note& n);
    [[nodiscard]] std::vector<note> all();

private:
    void execute(const char* sql);
    [[noreturn]] void fail() const;

    struct close {
        void operator()(sqlite3* d) const noexcept;
        void operator()(sqlite3_stmt* s) const noexcept;
    };
    std::string file_;
    std::unique_ptr<sqlite3, close> connection_;
    std::unique_ptr<sqlite3_stmt, close> insert_;
};
