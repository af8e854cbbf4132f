// SPDX-License-Identifier: BSL-1.0
//
// Reading certificates and keys from files, and making contexts. All of it runs, and blocks, on the calling thread.
#include "io/tls/context_state.hpp"

#include <bide/io/tls_context.hpp>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>

namespace bide {
inline namespace v0 {

namespace {

std::string read_text(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text;
    if (in) text.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    if (!in) throw std::system_error(errno != 0 ? errno : EIO, std::generic_category(), "tls: read " + file.string());
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
