// SPDX-License-Identifier: BSL-1.0
//
// bulk_client PORT NAME [tls]: asks for a file as HTTP does, reads all of the answer, and prints how many bytes it was
// without its head, and the seconds. The certificate is looked at by nobody; the cipher is the same for all servers.
#include "listen.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

class peer {
public:
    peer(std::uint16_t port, bool tls) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(port);
        if (fd_ < 0 || ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fail("connect");
        if (!tls) return;
        SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
        if (SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") != 1) fail("cipher");
        ssl_ = SSL_new(context);
        if (SSL_set_fd(ssl_, fd_) != 1 || SSL_connect(ssl_) != 1) {
            ERR_print_errors_fp(stderr);
            std::exit(1);
        }
    }
    void write(std::string_view what) {
        const auto n = static_cast<int>(what.size());
        if ((ssl_ != nullptr ? SSL_write(ssl_, what.data(), n) : ::send(fd_, what.data(), what.size(), 0)) != n)
            fail("send");
    }
    /// 0: that was all.
    std::size_t read(std::vector<char>& to) {
        const auto n = ssl_ != nullptr ? SSL_read(ssl_, to.data(), static_cast<int>(to.size()))
                                       : ::recv(fd_, to.data(), to.size(), 0);
        if (n < 0 && ssl_ == nullptr) fail("recv");
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }

private:
    int fd_;
    SSL* ssl_ = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    peer p(static_cast<std::uint16_t>(std::atoi(argv[1])), argc > 3 && std::strcmp(argv[3], "tls") == 0);
    const auto begin = std::chrono::steady_clock::now();
    p.write(std::string("GET /") + argv[2] + " HTTP/1.0\r\n\r\n");
    std::vector<char> buffer(std::size_t{256} << 10U);
    std::string head;
    std::size_t all = 0;
    for (std::size_t n = 0, end = std::string::npos; (n = p.read(buffer)) > 0; all += n) {
        if (end != std::string::npos) continue;
        head.append(buffer.data(), n);
        end = head.find("\r\n\r\n");
        if (end != std::string::npos) all -= end + 4;
    }
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%zu %.4f\n", all, took);
}
