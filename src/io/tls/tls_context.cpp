// SPDX-License-Identifier: BSL-1.0
//
// Reading certificates and keys from files, and making contexts. All of it runs, and blocks, on the calling thread.
#include "io/tls/context_state.hpp"

#include <bide/io/tls_context.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

namespace bide {
inline namespace v0 {

namespace {

// Not by a std::ifstream: that of libc++ takes a file that cannot be read (a directory) for an empty one.
std::string read_text(const std::filesystem::path& file) {
    const auto fail = [&] { throw std::system_error(errno, std::generic_category(), "tls: read " + file.string()); };
    struct close {
        void operator()(std::FILE* f) const noexcept { std::fclose(f); }
    };
    const std::unique_ptr<std::FILE, close> in(std::fopen(file.c_str(), "rbe"));
    if (!in) fail();
    std::string text;
    std::array<char, 4096> some;  // NOLINT(*-member-init): fread fills it
    while (const std::size_t n = std::fread(some.data(), 1, some.size(), in.get())) text.append(some.data(), n);
    if (std::ferror(in.get()) != 0) fail();
    return text;
}

}  // namespace

void tls_options::load_identity(const std::filesystem::path& certificates_file, const std::filesystem::path& key_file) {
    certificates = read_text(certificates_file);
    key = read_text(key_file);
}
void tls_options::load_roots(const std::filesystem::path& roots_file) { roots = read_text(roots_file); }

tls_context tls_context::client(const tls_options& options) {
    return tls_context(std::make_shared<detail::tls_context_state>(options, false));
}
tls_context tls_context::server(const tls_options& options) {
    return tls_context(std::make_shared<detail::tls_context_state>(options, true));
}
tls_context tls_context::server(const std::filesystem::path& certificates_file, const std::filesystem::path& key_file) {
    tls_options options;
    options.load_identity(certificates_file, key_file);
    return server(options);
}

}  // namespace v0
}  // namespace bide
