// SPDX-License-Identifier: BSL-1.0
//
// Certificates made on the spot: an authority, and what it signs.
#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

namespace support {

struct certificate_request {
    std::string common_name = "a test";
    /// As OpenSSL writes them: "DNS:host.example,IP:127.0.0.1"; empty: none.
    std::string names{};
    std::chrono::hours from{-1};
    std::chrono::hours until{24};
    /// "serverAuth,clientAuth"; empty: for everything.
    std::string purposes{};
    bool self_signed = false;
};

struct issued_certificate {
    std::string certificate;  // PEM, both
    std::string key;
};

class authority {
public:
    explicit authority(const std::string& name) : key_(new_key()) {
        certificate_request request;
        request.common_name = name;
        certificate_ = make(request, key_.get(), nullptr, key_.get(), true);
    }
    [[nodiscard]] std::string pem() const { return text(certificate_.get()); }

    [[nodiscard]] issued_certificate issue(const certificate_request& request) const {
        const key_ptr key = new_key();
        const cert_ptr made = request.self_signed ? make(request, key.get(), nullptr, key.get(), false)
                                                  : make(request, key.get(), certificate_.get(), key_.get(), false);
        return {text(made.get()), text(key.get())};
    }
    [[nodiscard]] issued_certificate issue(const std::string& names) const {
        certificate_request request;
        request.names = names;
        return issue(request);
    }
    /// The same key, locked with a password.
    [[nodiscard]] static std::string locked(const std::string& key, const std::string& password) {
        const std::unique_ptr<BIO, int (*)(BIO*)> in(::BIO_new_mem_buf(key.data(), static_cast<int>(key.size())),
                                                     &::BIO_free);
        const key_ptr k(::PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), &::EVP_PKEY_free);
        return written([&](BIO* to) {
            return ::PEM_write_bio_PrivateKey(to, k.get(), ::EVP_aes_256_cbc(),
                                              reinterpret_cast<const unsigned char*>(password.data()),
                                              static_cast<int>(password.size()), nullptr, nullptr);
        });
    }

private:
    using key_ptr = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
    using cert_ptr = std::unique_ptr<X509, void (*)(X509*)>;

    static key_ptr new_key() { return {EVP_EC_gen("P-256"), &::EVP_PKEY_free}; }

    static void extend(X509* to, X509* issuer, int what, const std::string& value) {
        X509V3_CTX context{};
        ::X509V3_set_ctx(&context, issuer != nullptr ? issuer : to, to, nullptr, nullptr, 0);
        X509_EXTENSION* e = ::X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
        if (e == nullptr) throw std::runtime_error("a certificate cannot have: " + value);
        ::X509_add_ext(to, e, -1);
        ::X509_EXTENSION_free(e);
    }
    static cert_ptr make(const certificate_request& request, EVP_PKEY* key, X509* issuer, EVP_PKEY* by, bool ca) {
        cert_ptr made(::X509_new(), &::X509_free);
        X509* const x = made.get();
        static long serial = 1;
        ::X509_set_version(x, 2);
        ::ASN1_INTEGER_set(::X509_get_serialNumber(x), ++serial);
        ::X509_gmtime_adj(::X509_getm_notBefore(x), std::chrono::seconds(request.from).count());
        ::X509_gmtime_adj(::X509_getm_notAfter(x), std::chrono::seconds(request.until).count());
        ::X509_set_pubkey(x, key);
        ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(request.common_name.c_str()), -1, -1, 0);
        ::X509_set_issuer_name(x, ::X509_get_subject_name(issuer != nullptr ? issuer : x));
        extend(x, issuer, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
        extend(x, issuer, NID_subject_key_identifier, "hash");
        if (ca) extend(x, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
        if (!request.purposes.empty()) extend(x, issuer, NID_ext_key_usage, request.purposes);
        if (!request.names.empty()) extend(x, issuer, NID_subject_alt_name, request.names);
        if (::X509_sign(x, by, ::EVP_sha256()) == 0) throw std::runtime_error("a certificate cannot be signed");
        return made;
    }

    template <class F>
    static std::string written(F&& f) {
        const std::unique_ptr<BIO, int (*)(BIO*)> to(::BIO_new(::BIO_s_mem()), &::BIO_free);
        if (f(to.get()) != 1) throw std::runtime_error("PEM cannot be written");
        char* data = nullptr;
        const long size = BIO_get_mem_data(to.get(), &data);
        return {data, static_cast<std::size_t>(size)};
    }
    static std::string text(X509* x) {
        return written([x](BIO* to) { return ::PEM_write_bio_X509(to, x); });
    }
    static std::string text(EVP_PKEY* key) {
        return written(
            [key](BIO* to) { return ::PEM_write_bio_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr); });
    }

    key_ptr key_;
    cert_ptr certificate_{nullptr, &::X509_free};
};

}  // namespace support
