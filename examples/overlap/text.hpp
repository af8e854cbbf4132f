// SPDX-License-Identifier: BSL-1.0
// Names of files are bytes: any but '/' and zero. What is shown to people has to be text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// UTF-8 with what is none replaced by U+FFFD, and control characters too: text for a page. Not escaped for XML.
std::string as_text(std::string_view bytes);

/// At most so many characters, the last of which is an ellipsis where some were left out. Of what as_text gave.
std::string shortened(const std::string& text, std::size_t most);

/// For a terminal, which must not be steered by the name of a file: control characters and what is no UTF-8 as \xNN.
std::string for_terminal(std::string_view bytes);
