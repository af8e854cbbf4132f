// SPDX-License-Identifier: BSL-1.0
//
// io_category: the texts of io_errc. Any thread calls it.
//
// The category is a function-local static: its address is its identity, and it is made at the first use.
#include <bide/io/error.hpp>

#include <string>

namespace bide {
inline namespace v0 {

namespace {

class io_category_type final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "bide.io"; }
    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<io_errc>(code)) {
            case io_errc::end_of_stream:
                return "the peer ended the stream before everything had arrived";
            case io_errc::write_cut:
                return "an earlier write was cancelled after a part of it had been sent";
            case io_errc::too_much:
                return "more came than the limit allows";
        }
        return "unknown error";
    }
};

}  // namespace

const std::error_category& io_category() noexcept {
    static const io_category_type category;
    return category;
}

}  // namespace v0
}  // namespace bide
