// SPDX-License-Identifier: BSL-1.0
#include "text.hpp"

#include <array>
#include <cstdio>

namespace {

constexpr char32_t no_character = 0xffffffff;

// The character at the beginning, taken off; no_character and one byte for what is no UTF-8 (RFC 3629: no surrogates,
// nothing longer than need be).
char32_t take(std::string_view& bytes) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const unsigned char first = byte(0);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xc2 ? 0
                               : first < 0xe0 ? 2
                               : first < 0xf0 ? 3
                               : first < 0xf5 ? 4
                                              : 0;
    char32_t c = length == 1 ? first : first & (0x7fU >> length);
    bool good = length != 0 && length <= bytes.size();
    for (std::size_t i = 1; good && i < length; ++i) {
        good = (byte(i) & 0xc0U) == 0x80;
        c = (c << 6U) | (byte(i) & 0x3fU);
    }
    if (length == 3) good = good && c >= 0x800 && (c < 0xd800 || c > 0xdfff);
    if (length == 4) good = good && c >= 0x10000 && c <= 0x10ffff;
    bytes.remove_prefix(good ? length : 1);
    return good ? c : no_character;
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

template <class Replace>
std::string replaced(std::string_view bytes, Replace replace) {
    std::string out;
    while (!bytes.empty()) {
        const std::string_view before = bytes;
        const char32_t c = take(bytes);
        const std::string_view one = before.substr(0, before.size() - bytes.size());
        if (c == no_character || is_control(c) || c == 0xfffe || c == 0xffff)
            replace(out, one);
        else
            out += one;
    }
    return out;
}

}  // namespace

std::string as_text(std::string_view bytes) {
    return replaced(bytes, [](std::string& out, std::string_view) { out += "\xef\xbf\xbd"; });
}

std::string shortened(const std::string& text, std::size_t most) {
    std::string_view rest = text;
    for (std::size_t n = 0; !rest.empty(); ++n) {
        const std::size_t cut = text.size() - rest.size();
        take(rest);
        if (n + 1 == most && !rest.empty()) return text.substr(0, cut) + "\xe2\x80\xa6";
    }
    return text;
}

std::string for_terminal(std::string_view bytes) {
    return replaced(bytes, [](std::string& out, std::string_view what) {
        for (const char c : what) {
            std::array<char, 5> code{};
            std::snprintf(code.data(), code.size(), "\\x%02x", static_cast<unsigned char>(c));
            out += code.data();
        }
    });
}
