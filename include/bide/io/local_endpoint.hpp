// SPDX-License-Identifier: BSL-1.0
//
// local_endpoint: the name of a local socket: a path in the file system, or a name in Linux's abstract space, which
// needs no file and exists as long as its socket. A socket that was not bound has neither.
//
//     auto here = bide::local_endpoint::path("/run/app/control");
//     auto nowhere_on_disk = bide::local_endpoint::abstract("app-control");
//
// Thread rule: a value.
// Errors: std::invalid_argument for a name that is empty or longer than 107 bytes (the system's bound), and for a path
//   with a zero byte.
#pragma once

#include <string>
#include <string_view>

struct sockaddr_un;

namespace bide {
inline namespace v0 {

class local_endpoint {
public:
    /// No name.
    local_endpoint() noexcept = default;
    [[nodiscard]] static local_endpoint path(std::string_view where);
    [[nodiscard]] static local_endpoint abstract(std::string_view name);

    [[nodiscard]] bool is_path() const noexcept { return kind_ == kind::path; }
    [[nodiscard]] bool is_abstract() const noexcept { return kind_ == kind::abstract; }
    /// The path or the abstract name; empty if there is none.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// For people: the path, @name, or "(unnamed)".
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const local_endpoint&, const local_endpoint&) noexcept = default;

    // Internal: as the system has it.
    [[nodiscard]] static local_endpoint from_native(const sockaddr_un& from, unsigned size);
    [[nodiscard]] unsigned to_native(sockaddr_un& to) const noexcept;

private:
    enum class kind { nowhere, path, abstract };
    local_endpoint(kind k, std::string_view name);
    kind kind_ = kind::nowhere;
    std::string name_;
};

}  // namespace v0
}  // namespace bide
