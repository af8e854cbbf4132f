// SPDX-License-Identifier: BSL-1.0
//
// tls_context: who we are and whom we trust, for any number of TLS connections.
//
//     auto browser_like = bide::tls_context::client();                // the system's roots, names are verified
//     auto server = bide::tls_context::server("chain.pem", "key.pem");
//
//     bide::tls_options o;                                            // or in detail
//     o.load_roots("our-ca.pem");                                     // instead of the system's
//     o.load_identity("client.pem", "client.key");                    // a certificate of our own
//     o.protocols = {"h2", "http/1.1"};                               // ALPN, the best one first
//     auto ours = bide::tls_context::client(o);
//
// TLS 1.2 and 1.3. A client resumes its sessions with a host by itself; a server gives out tickets for that.
//
// Thread rule: a context never changes; copies share it, and any number of threads may use it at once.
// Lifetime rule: a connection keeps what it needs of its context.
// Errors: std::system_error: a file that cannot be read (the system's code), a certificate or a key that makes no sense
//   or does not fit (tls_category, in OpenSSL's words); std::invalid_argument for options that contradict each other.
// This room is a part of the library bide::tls (it needs OpenSSL 3).
#pragma once

#include <bide/io/tls_error.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {

enum class tls_version : std::uint8_t { tls_1_2, tls_1_3 };

/// Whether a server asks its clients for a certificate.
enum class client_certificate : std::uint8_t { none, optional, required };

class tls_options {
public:
    tls_options() = default;

    /// Our certificate and those between it and the root, ours first; and its key. PEM.
    std::string certificates;
    std::string key;
    std::string key_password;
    /// Who may have signed the peer's certificate. PEM; empty: the system's roots.
    std::string roots;
    /// The system's roots as well as `roots`.
    bool also_system_roots = false;
    /// What is spoken over the connection (ALPN), the best one first.
    std::vector<std::string> protocols;
    tls_version minimum = tls_version::tls_1_2;
    tls_version maximum = tls_version::tls_1_3;
    /// A client's: the server's certificate has to be good, and for the host. False: anybody may be in between.
    bool verify = true;
    /// A server's. A certificate that is given has to be good.
    client_certificate clients = client_certificate::none;
    bool resume = true;

    /// Reads the files now.
    void load_identity(const std::filesystem::path& certificates_file, const std::filesystem::path& key_file);
    void load_roots(const std::filesystem::path& roots_file);
};

namespace detail {
class tls_context_state;
class tls_engine;
}  // namespace detail

class tls_context {
public:
    [[nodiscard]] static tls_context client(const tls_options& options = tls_options());
    /// With a certificate and a key.
    [[nodiscard]] static tls_context server(const tls_options& options);
    [[nodiscard]] static tls_context server(const std::filesystem::path& certificates_file,
                                            const std::filesystem::path& key_file);

private:
    friend class detail::tls_engine;
    explicit tls_context(std::shared_ptr<detail::tls_context_state> state) noexcept : state_(std::move(state)) {}
    std::shared_ptr<detail::tls_context_state> state_;
};

}  // namespace v0
}  // namespace bide
