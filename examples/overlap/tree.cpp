// SPDX-License-Identifier: BSL-1.0
#include "tree.hpp"

#include "text.hpp"

#include <algorithm>

namespace fs = std::filesystem;

namespace {

bool is_left_out(const fs::path& below, const fs::path& full, const std::vector<fs::path>& except) {
    const std::string name = below.filename().string();
    if (name == ".git") return true;
    if (!below.has_parent_path() && (name == "build" || name.rfind("build-", 0) == 0)) return true;
    return std::find(except.begin(), except.end(), full) != except.end();
}

}  // namespace

file_tree list_files(const fs::path& directory, const std::vector<fs::path>& except) {
    file_tree tree;
    std::vector<fs::path> to_visit{fs::path()};
    while (!to_visit.empty()) {
        const fs::path at = to_visit.back();
        to_visit.pop_back();
        std::error_code why;
        fs::directory_iterator entry(directory / at, why);
        for (; !why && entry != fs::directory_iterator(); entry.increment(why)) {
            const fs::path below = at / entry->path().filename();
            if (is_left_out(below, directory / below, except)) continue;
            std::error_code gone;
            const fs::file_status what = entry->symlink_status(gone);
            if (fs::is_directory(what))
                to_visit.push_back(below);
            else if (!fs::is_regular_file(what))
                ++tree.skipped;
            else
                tree.files.push_back({below.generic_string(), entry->file_size(gone)});
        }
        if (why) tree.problems.push_back(for_terminal((directory / at).string()) + ": " + why.message());
    }
    std::sort(tree.files.begin(), tree.files.end(),
              [](const file_entry& a, const file_entry& b) { return a.name < b.name; });
    return tree;
}
