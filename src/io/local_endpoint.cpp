// SPDX-License-Identifier: BSL-1.0
//
// local_endpoint: a path or an abstract name, and the system's sockaddr_un. Values only: any thread, no lock.
#include <bide/io/local_endpoint.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <cstddef>
#include <cstring>
#include <stdexcept>

namespace bide {
inline namespace v0 {

namespace {
constexpr std::size_t head = offsetof(sockaddr_un, sun_path);
constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
}  // namespace

local_endpoint::local_endpoint(kind k, std::string_view name) : kind_(k), name_(name) {
    if (name.empty()) throw std::invalid_argument("a local socket's name is empty");
    if (name.size() > longest)
        throw std::invalid_argument("a local socket's name has at most " + std::to_string(longest) +
                                    " bytes: " + std::string(name));
    if (k == kind::path && name.find('\0') != std::string_view::npos)
        throw std::invalid_argument("a path has no zero byte");
}
local_endpoint local_endpoint::path(std::string_view where) { return local_endpoint(kind::path, where); }
local_endpoint local_endpoint::abstract(std::string_view name) { return local_endpoint(kind::abstract, name); }

std::string local_endpoint::to_string() const {
    switch (kind_) {
        case kind::path:
            return name_;
        case kind::abstract:
            return "@" + name_;
        case kind::nowhere:
            break;
    }
    return "(unnamed)";
}

local_endpoint local_endpoint::from_native(const sockaddr_un& from, unsigned size) {
    local_endpoint e;
    if (size <= head) return e;
    const std::size_t n = size - head;
    if (from.sun_path[0] == '\0') {
        e.kind_ = kind::abstract;
        e.name_.assign(from.sun_path + 1, n - 1);
    } else {
        e.kind_ = kind::path;
        e.name_.assign(from.sun_path, ::strnlen(from.sun_path, n));
    }
    return e;
}

unsigned local_endpoint::to_native(sockaddr_un& to) const noexcept {
    to = {};
    to.sun_family = AF_UNIX;
    if (kind_ == kind::nowhere) return head;
    const std::size_t at = kind_ == kind::abstract ? 1 : 0;
    std::memcpy(to.sun_path + at, name_.data(), name_.size());
    // An abstract name is as long as it is; a path has its zero.
    return static_cast<unsigned>(head + name_.size() + 1);
}

}  // namespace v0
}  // namespace bide
