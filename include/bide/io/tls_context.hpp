// SPDX-License-Identifier: BSL-1.0
//
// tls_context: certificates, trusted roots and settings, shared by any number of TLS connections.
//
//     auto browser_like = bide::tls_context::client();                // the system's roots; verifies names
//     auto server = bide::tls_context::server("chain.pem", "key.pem");
//
//     bide::tls_options o;                                            // or in detail
//     o.load_roots("our-ca.pem");                                     // instead of the system's
//     o.load_identity("client.pem", "client.key");                    // a certificate of our own
//     o.protocols = {"h2", "http/1.1"};                               // ALPN, the preferred one first
//     auto ours = bide::tls_context::client(o);
//
// TLS 1.2 and 1.3. A client context keeps the sessions of the last 256 hosts and resumes them; a server context gives
// out session tickets for that.
//
// Thread rule: any number of threads may use a context and its copies at once; copies share one state.
// Lifetime rule: a connection keeps the state of its context alive.
// Cancellation: nothing here waits. load_identity(), load_roots() and server() read files on the calling thread.
// Destructor: frees the state with the last context or connection that uses it.
// Errors: std::system_error: the system's code for a file that cannot be read, a code of tls_category for a certificate
//   or a key that cannot be parsed or does not fit; std::invalid_argument for options that contradict each other.
// This header is a part of the library bide::tls, which needs OpenSSL 3.
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

    /// Our certificate, followed by those between it and the root, and the key of ours; as PEM.
    std::string certificates;
    std::string key;
    std::string key_password;
    /// The trusted roots, as PEM. If it is empty: the system's roots.
    std::string roots;
    /// Trusts the system's roots as well as `roots`.
    bool also_system_roots = false;
    /// The protocols offered or accepted by ALPN, the preferred one first.
    std::vector<std::string> protocols;
    tls_version minimum = tls_version::tls_1_2;
    tls_version maximum = tls_version::tls_1_3;
    /// Client: verifies the server's certificate and its name. Without that anybody between the two can read and change
    /// everything.
    bool verify = true;
    /// Server: whether it asks for a certificate. A certificate that a client sends must be valid in any case.
    client_certificate clients = client_certificate::none;
    /// Client: resumes sessions. Server: gives out tickets.
    bool resume = true;

    /// Both read their files at once, on the calling thread.
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
    /// The options need a certificate and its key.
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
