// SPDX-License-Identifier: BSL-1.0
// The work itself: fetch, hash, note; one after another, and many at once.
#pragma once

#include "client.hpp"
#include "database.hpp"
#include "timeline.hpp"
#include "tree.hpp"

#include <bide/sync/mutex.hpp>
#include <bide/task.hpp>

#include <chrono>
#include <functional>
#include <vector>

/// Told after each file: how many are done, and how many bytes.
using progress_function = std::function<void(std::size_t, std::uintmax_t)>;

class run {
public:
    run(std::string title, const file_tree& tree, const bide::ip_endpoint& server, database& notes,
        progress_function progress);

    bide::task<> one_after_another();
    bide::task<> at_once(int most);

    [[nodiscard]] const run_record& record() const noexcept { return record_; }

private:
    bide::task<> handle(std::size_t file);
    bide::task<> fetch_hash_note(lane& l);
    [[nodiscard]] double now() const;

    http_client client_;
    database& database_;
    bide::mutex one_writer_;
    progress_function progress_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    run_record record_;
    std::size_t done_ = 0;
    std::uintmax_t bytes_ = 0;
};

/// Compares what the database holds with the files on disk, on threads. What does not agree, in words.
bide::task<std::vector<std::string>> compare_with_disk(const std::vector<note>& notes, std::filesystem::path directory);
