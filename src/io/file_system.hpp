// SPDX-License-Identifier: BSL-1.0
//
// The blocking halves of file.hpp, as they run on a thread.
#pragma once

#include <bide/io/file.hpp>

#include <string>

struct stat;

namespace bide {
inline namespace v0 {
namespace detail {

[[noreturn]] void fail(int error, const std::filesystem::path& path);
[[nodiscard]] file_information information_of(const struct stat& s);

std::string read_whole(const std::filesystem::path& path, std::size_t limit);
void replace_whole(const std::filesystem::path& path, const std::string& content, std::uint32_t permissions);
void append_whole(const std::filesystem::path& path, const std::string& content, std::uint32_t permissions);
file_information information_at(const std::filesystem::path& path, bool follow);
void rename_now(const std::filesystem::path& from, const std::filesystem::path& to);
bool remove_now(const std::filesystem::path& path);
std::uint64_t remove_tree_now(const std::filesystem::path& path);
void make_directories_now(const std::filesystem::path& path);
std::vector<directory_entry> list_now(const std::filesystem::path& path, bool below);

}  // namespace detail
}  // namespace v0
}  // namespace bide
