// SPDX-License-Identifier: BSL-1.0
//
// The sessions of a client context, most recently used host first. Called from any thread, under the store's own lock;
// keep() is called by OpenSSL inside a call of tls_engine, so under that engine's lock too.
#include "io/tls/session_store.hpp"

#include <bide/detail/base/lock_guard.hpp>

#include <utility>

namespace bide {
inline namespace v0 {
namespace detail {

void session_store::keep(const std::string& host, owned<SSL_SESSION> session) {
    const lock_guard guard(m_);
    const auto known = by_host_.find(host);
    if (known == by_host_.end()) {
        entries_.emplace_front();
        entries_.front().host = host;
        try {
            by_host_.emplace(host, entries_.begin());
        } catch (...) {
            entries_.pop_front();
            throw;
        }
    } else {
        entries_.splice(entries_.begin(), entries_, known->second);
    }
    auto& sessions = entries_.front().sessions;
    sessions.push_back(std::move(session));
    if (sessions.size() > sessions_per_host) sessions.pop_front();
    if (entries_.size() > hosts) {
        by_host_.erase(entries_.back().host);
        entries_.pop_back();
    }
}

owned<SSL_SESSION> session_store::take(const std::string& host) {
    const lock_guard guard(m_);
    const auto known = by_host_.find(host);
    if (known == by_host_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, known->second);
    auto& sessions = entries_.front().sessions;
    while (!sessions.empty()) {
        SSL_SESSION* const newest = sessions.back().get();
        if (::SSL_SESSION_is_resumable(newest) == 0) {
            sessions.pop_back();
            continue;
        }
        if (::SSL_SESSION_get_protocol_version(newest) < TLS1_3_VERSION) {
            ::SSL_SESSION_up_ref(newest);
            return owned<SSL_SESSION>(newest);
        }
        owned<SSL_SESSION> once = std::move(sessions.back());
        sessions.pop_back();
        return once;
    }
    return nullptr;
}

}  // namespace detail
}  // namespace v0
}  // namespace bide
