// SPDX-License-Identifier: BSL-1.0
//
// The blocking halves of file.hpp. Each runs on one of bide's threads, as a job, and throws std::system_error with the
// path in its text.
#pragma once

#include <bide/io/file.hpp>

#include <string>

struct statx;

namespace bide {
inline namespace v0 {
namespace detail {

[[noreturn]] void fail(int error, const std::filesystem::path& path);
/// fd, name and flags are statx()'s; the path is for the text of errors.
[[nodiscard]] file_information information_now(int fd, const char* name, unsigned flags,
                                               const std::filesystem::path& path);
[[nodiscard]] file_information information_of(const struct statx& s);

std::string read_whole(const std::filesystem::path& path, std::size_t limit);
void replace_whole(const std::filesystem::path& path, const std::string& content, std::uint32_t permissions);
void append_whole(const std::filesystem::path& path, const std::string& content, std::uint32_t permissions);
void rename_now(const std::filesystem::path& from, const std::filesystem::path& to);
bool remove_now(const std::filesystem::path& path);
std::uint64_t remove_tree_now(const std::filesystem::path& path);
void make_directories_now(const std::filesystem::path& path);
std::vector<directory_entry> list_now(const std::filesystem::path& path, bool below);

}  // namespace detail
}  // namespace v0
}  // namespace bide
