// SPDX-License-Identifier: BSL-1.0
#include "sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace {
EVP_MD_CTX* of(void* context) { return static_cast<EVP_MD_CTX*>(context); }
void check(int result) {
    if (result != 1) throw std::runtime_error("OpenSSL cannot compute SHA-256");
}
}  // namespace

void sha256::free_context::operator()(void* context) const noexcept { EVP_MD_CTX_free(of(context)); }

sha256::sha256() : context_(EVP_MD_CTX_new()) {
    if (!context_) throw std::bad_alloc();
    check(EVP_DigestInit_ex(of(context_.get()), EVP_sha256(), nullptr));
}

void sha256::add(std::span<const std::byte> bytes) {
    check(EVP_DigestUpdate(of(context_.get()), bytes.data(), bytes.size()));
}

std::string sha256::finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    check(EVP_DigestFinal_ex(of(context_.get()), digest.data(), &size));
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        constexpr const char* digits = "0123456789abcdef";
        text += digits[digest[i] >> 4U];
        text += digits[digest[i] & 15U];
    }
    return text;
}

std::string sha256_of(const std::filesystem::path& file) {
    const auto fail = [&] { throw std::system_error(errno, std::generic_category(), "cannot read " + file.string()); };
    struct closing {
        void operator()(std::FILE* f) const noexcept { std::fclose(f); }
    };
    const std::unique_ptr<std::FILE, closing> in(std::fopen(file.c_str(), "rbe"));
    if (!in) fail();
    sha256 hash;
    std::vector<std::byte> part(1 << 18);
    while (const std::size_t n = std::fread(part.data(), 1, part.size(), in.get())) hash.add(std::span(part).first(n));
    if (std::ferror(in.get()) != 0) fail();
    return hash.finish();
}
