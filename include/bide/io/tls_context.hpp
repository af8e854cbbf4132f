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

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace bide {
inline namespace v0 {

/// What bide has to say of a TLS connection. Everything else in this category is a code of OpenSSL's, with its words.
enum class tls_errc {
    truncated = 1,      ///< the stream ended without the peer saying so: something may be missing, cut off by somebody
    handshake_cut = 2,  ///< the connection ended before both sides had agreed
};

/// Why the peer's certificate was not accepted. There are more, in OpenSSL's words (the values are its X509_V_ERR_…).
enum class tls_verify_errc {
    unknown_issuer = 20,
    not_yet_valid = 9,
    expired = 10,
    self_signed = 18,
    self_signed_root = 19,  ///< the chain ends with a root that nobody trusts
    wrong_purpose = 26,
    hostname_mismatch = 62,
    ip_address_mismatch = 64,
};

[[nodiscard]] const std::error_category& tls_category() noexcept;
[[nodiscard]] const std::error_category& tls_verify_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(tls_errc e) noexcept {
    return std::error_code(static_cast<int>(e), tls_category());
}
[[nodiscard]] inline std::error_code make_error_code(tls_verify_errc e) noexcept {
    return std::error_code(static_cast<int>(e), tls_verify_category());
}

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

template <>
struct std::is_error_code_enum<bide::tls_errc> : std::true_type {};
template <>
struct std::is_error_code_enum<bide::tls_verify_errc> : std::true_type {};
