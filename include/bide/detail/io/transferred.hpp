// SPDX-License-Identifier: BSL-1.0
//
// transferred: the outcome of a leaf that moves bytes. An operation that moves *some* bytes gives how many; one that moves
// *all* has no value when it is awaited as it is. As a result both say how many were moved before the error.
#pragma once

#include <bide/as_result.hpp>

#include <cstddef>
#include <cstdint>

namespace bide {
inline namespace v0 {
namespace detail {

enum class amount : std::uint8_t { some, all };

/// `Leaf` has end(), end_without_error(), error_ and done_.
template <amount How, class Leaf>
class transferred : public Leaf {
public:
    using Leaf::Leaf;

protected:
    auto finish() {
        this->end_without_error();
        if constexpr (How == amount::some) return this->done_;
    }
    [[nodiscard]] result<std::size_t> finish_coded() {
        this->end();
        return {this->error_, this->done_};
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
