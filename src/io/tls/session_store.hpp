// SPDX-License-Identifier: BSL-1.0
//
// session_store: the sessions that a client context resumes, by host. Bounded: a new host displaces the host that was
// used least recently. tls_engine takes a session before the handshake; OpenSSL's callback adds new ones.
//
// Thread rule: any thread.
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

    void keep(const std::string& host, owned<SSL_SESSION> session) BIDE_EXCLUDES(m_);
    /// Returns a session to resume, or nothing. A ticket of TLS 1.3 is given out once: an eavesdropper could recognise
    /// a client that uses it twice.
    [[nodiscard]] owned<SSL_SESSION> take(const std::string& host) BIDE_EXCLUDES(m_);

private:
    struct entry {
        std::string host;
        std::deque<owned<SSL_SESSION>> sessions;
    };
    os_mutex m_;
    std::list<entry> entries_ BIDE_GUARDED_BY(m_);  // the most recently used host in front
    std::unordered_map<std::string, std::list<entry>::iterator> by_host_ BIDE_GUARDED_BY(m_);
};

}  // namespace detail
}  // namespace v0
}  // namespace bide
