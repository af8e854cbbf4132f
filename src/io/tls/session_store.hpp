// SPDX-License-Identifier: BSL-1.0
//
// session_store: what a client may go on with at its next connection to a host. Bounded: the host that was not
// connected to for the longest time is forgotten. From any thread.
#pragma once

#include "io/tls/openssl.hpp"

#include <bide/detail/base/os_mutex.hpp>

#include <cstddef>
#include <deque>
#include <list>
#include <string>
#include <unordered_map>

namespace bide {
inline namespace v0 {
namespace detail {

class session_store {
public:
    static constexpr std::size_t hosts = 256;
    static constexpr std::size_t sessions_per_host = 4;

    void keep(const std::string& host, owned<SSL_SESSION> session);
    /// Empty: none. A ticket of TLS 1.3 is given once: used again it would tell an eavesdropper who we are.
    [[nodiscard]] owned<SSL_SESSION> take(const std::string& host);

private:
    struct entry {
        std::string host;
        std::deque<owned<SSL_SESSION>> sessions;
    };
    os_mutex m_;
    std::list<entry> entries_;  // the last one used in front
    std::unordered_map<std::string, std::list<entry>::iterator> by_host_;
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
