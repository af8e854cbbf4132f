// SPDX-License-Identifier: BSL-1.0
// bide's TLS with other people's: openssl s_server and s_client, Python's ssl, nginx, curl; as client and as server.
#include <bide/combine.hpp>
#include <bide/io/tcp.hpp>
#include <bide/io/tls.hpp>

#include "support/no_leaks.hpp"
#include "support/program.hpp"
#include "support/tls_pair.hpp"

#include <gtest/gtest.h>
#include <array>
#include <string>
#include <vector>

namespace {

using bide::bytes_of;
using bide::ip_endpoint;
using bide::task;
using bide::tcp_listener;
using bide::tcp_stream;
using bide::tls_context;
using bide::tls_errc;
using bide::tls_options;
using bide::tls_verify_errc;
using bide::tls_version;
using support::client_options;
using support::error_of;
using support::much_text;
using support::our_authority;
using support::our_certificate;
using support::program;
using support::read_to_end;
using support::server_options;
using tcp_tls = bide::tls_stream<tcp_stream>;

tcp_tls connect(const ip_endpoint& to, const tls_options& o = client_options(), const std::string& host = "localhost") {
    return bide::tls_connect(tls_context::client(o), tcp_stream::connect(to).wait(), host).wait();
}
std::string ask(tcp_tls s, const std::string& request) {
    s.write_all(bytes_of(request)).wait();
    return read_to_end(s).wait();
}
std::string body_of(const std::string& answer) {
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "no answer: " + answer : answer.substr(end + 4);
}
task<std::string> read_until(tcp_tls& from, std::string mark) {
    std::string all;
    std::array<std::byte, 1024> buffer;
    while (all.find(mark) == std::string::npos) {
        const std::size_t n = co_await from.read_some(buffer);
        if (n == 0) break;
        all += bide::text_of(std::span<const std::byte>(buffer).first(n));
    }
    co_return all;
}
constexpr const char* get = "GET /file.txt HTTP/1.0\r\n\r\n";

/// Our files, for programs that read them.
class tls_counterparts : public support::no_leaks {
protected:
    const support::temporary_directory at;
    const std::string roots = at.file("roots.pem", our_authority().pem());
    const std::string certificate = at.file("chain.pem", our_certificate().certificate);
    const std::string key = at.file("key.pem", our_certificate().key);
    const support::issued_certificate client = our_authority().issue("");
    const std::string client_certificate = at.file("client.pem", client.certificate);
    const std::string client_key = at.file("client-key.pem", client.key);

    [[nodiscard]] std::vector<std::string> s_server(std::vector<std::string> more) const {
        std::vector<std::string> all{"openssl", "s_server",  "-accept", "127.0.0.1:0",
                                     "-cert",   certificate, "-key",    key};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    static ip_endpoint where(program& s) { return ip_endpoint::loopback(s.wait_for_port("ACCEPT 127.0.0.1:")); }

    tcp_listener listener = tcp_listener::listen(ip_endpoint::loopback(0));
    [[nodiscard]] std::string port() const { return std::to_string(listener.endpoint().port()); }
    tcp_tls accept(const tls_options& o = server_options()) {
        return bide::tls_accept(tls_context::server(o), listener.accept().wait()).wait();
    }
    /// Answers one request.
    void serve(const std::string& body, const tls_options& o = server_options()) {
        tcp_tls peer = accept(o);
        static_cast<void>(read_until(peer, "\r\n\r\n").wait());
        peer.write_all(bytes_of("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                                "\r\nConnection: close\r\n\r\n" + body))
            .wait();
        // Who has the whole answer may be gone before we have said that this was all.
        const std::error_code ended = bide::as_result(peer.finish()).wait();
        EXPECT_TRUE(!ended || ended == std::errc::not_connected || ended == std::errc::connection_reset ||
                    ended == std::errc::broken_pipe)
            << ended.message();
        static_cast<void>(bide::as_result(peer.read_some(rest_)).wait());  // its end
    }
    std::array<std::byte, 64> rest_{};
};

// ---- openssl s_server ---------------------------------------------------------------------------------------------

TEST_F(tls_counterparts, s_server_serves_us_in_both_versions) {
    const std::string text = much_text(400'000);
    static_cast<void>(at.file("file.txt", text));
    for (const tls_version v : {tls_version::tls_1_2, tls_version::tls_1_3}) {
        program server(s_server({"-www"}));
        tls_options o = client_options();
        o.minimum = o.maximum = v;
        const std::string answer = ask(connect(where(server), o), "GET / HTTP/1.0\r\n\r\n");
        EXPECT_NE(answer.find("HTTP/1.0 200 ok"), std::string::npos) << answer.substr(0, 200);
        EXPECT_NE(answer.find(v == tls_version::tls_1_2 ? "Protocol  : TLSv1.2" : "TLSv1.3"), std::string::npos);
    }
}

TEST_F(tls_counterparts, s_server_changes_keys) {
    program server(s_server({"-tls1_3"}));
    tcp_tls s = connect(where(server));
    s.write_all(bytes_of("from us\n")).wait();
    server.wait_for("from us");
    server.say("K\n");  // new keys, and ours too
    // What it reads together with a command it drops. It looks at its terminal before its connection: when it shows
    // what we have sent after the command, it has taken the command.
    s.write_all(bytes_of("has it?\n")).wait();
    server.wait_for("has it?");
    server.wait_for("SSL_do_handshake -> 1");  // by another pipe, so perhaps later
    server.say("with new keys\n");
    EXPECT_NE(read_until(s, "with new keys\n").wait().find("with new keys"), std::string::npos);
    s.update_keys().wait();
    s.write_all(bytes_of("from us, with new keys\n")).wait();
    server.wait_for("from us, with new keys");
    server.say("Q\n");  // it hangs up, and does not say that this was all
    std::array<std::byte, 16> buffer;
    EXPECT_EQ(bide::as_result(s.read_some(buffer)).wait().error, tls_errc::truncated);
}

TEST_F(tls_counterparts, s_server_that_is_killed_has_not_ended_the_stream) {
    program server(s_server({}));
    tcp_tls s = connect(where(server));
    server.say("some of it\n");
    EXPECT_EQ(read_until(s, "\n").wait(), "some of it\n");
    server.signal(SIGKILL);
    std::array<std::byte, 16> buffer;
    const auto end = bide::as_result(s.read_some(buffer)).wait();
    EXPECT_TRUE(end.error == tls_errc::truncated || end.error == std::errc::connection_reset) << end.error.message();
}

TEST_F(tls_counterparts, s_server_wants_our_certificate) {
    program server(s_server({"-Verify", "1", "-CAfile", roots, "-verify_return_error", "-www"}));
    const ip_endpoint to = where(server);
    tls_options o = client_options();
    o.certificates = client.certificate;
    o.key = client.key;
    EXPECT_NE(ask(connect(to, o), "GET / HTTP/1.0\r\n\r\n").find("200 ok"), std::string::npos);
    EXPECT_TRUE(error_of([&] { ask(connect(to), "GET / HTTP/1.0\r\n\r\n"); })) << "none was given";
}

TEST_F(tls_counterparts, s_server_resumes_our_session) {
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
        program server(s_server({"-www", version}));
        const ip_endpoint to = where(server);
        const tls_context ours = tls_context::client(client_options());
        for (int i = 0; i < 3; ++i) {
            auto s = bide::tls_connect(ours, tcp_stream::connect(to).wait(), "localhost").wait();
            EXPECT_EQ(s.resumed(), i != 0) << version;
            EXPECT_NE(ask(std::move(s), "GET / HTTP/1.0\r\n\r\n").find("200 ok"), std::string::npos);
        }
    }
}

TEST_F(tls_counterparts, s_server_with_a_bad_certificate_is_refused) {
    support::certificate_request r;
    r.names = "DNS:localhost";
    r.from = std::chrono::hours(-48);
    r.until = std::chrono::hours(-1);
    const auto old = our_authority().issue(r);
    program server({"openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", at.file("old.pem", old.certificate),
                    "-key", at.file("old-key.pem", old.key)});
    const ip_endpoint to = where(server);
    EXPECT_EQ(error_of([&] { connect(to); }), tls_verify_errc::expired);
    server.wait_for("certificate expired");  // it heard why
}

// ---- openssl s_client ---------------------------------------------------------------------------------------------

TEST_F(tls_counterparts, s_client_is_served_in_both_versions) {
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
        program client_program({"openssl", "s_client", "-connect", "127.0.0.1:" + port(), "-CAfile", roots, version,
                                "-verify_return_error", "-verify_hostname", "localhost", "-servername", "localhost",
                                "-alpn", "one,two"});
        tls_options o = server_options();
        o.protocols = {"two"};
        tcp_tls peer = accept(o);
        EXPECT_EQ(peer.server_name(), "localhost");
        EXPECT_EQ(peer.protocol(), "two");
        client_program.wait_for("Verify return code: 0 (ok)");
        client_program.say("hello from there\n");
        EXPECT_EQ(read_until(peer, "\n").wait(), "hello from there\n");
        peer.write_all(bytes_of("hello from here\n")).wait();
        client_program.wait_for("hello from here");
        client_program.end_input();
        std::array<std::byte, 16> buffer;
        const auto end = bide::as_result(peer.read_some(buffer)).wait();
        EXPECT_TRUE(end.ok() && end.value == 0) << end.error.message();
        EXPECT_EQ(client_program.status(), 0);
    }
}

TEST_F(tls_counterparts, s_client_changes_keys) {
    program client_program({"openssl", "s_client", "-connect", "127.0.0.1:" + port(), "-CAfile", roots, "-tls1_3"});
    tcp_tls peer = accept();
    client_program.wait_for("Verify return code");
    client_program.say("K\n");
    client_program.wait_for("KEYUPDATE");  // openssl drops what it reads together with a command
    client_program.say("after new keys\n");
    EXPECT_EQ(read_until(peer, "\n").wait(), "after new keys\n");
    peer.update_keys().wait();
    peer.write_all(bytes_of("and ours\n")).wait();
    client_program.wait_for("and ours");
}

TEST_F(tls_counterparts, C15_28_s_client_may_not_renegotiate) {
    program client_program({"openssl", "s_client", "-connect", "127.0.0.1:" + port(), "-CAfile", roots, "-tls1_2"});
    tcp_tls peer = accept();
    client_program.wait_for("Verify return code");
    client_program.say("R\n");
    std::array<std::byte, 16> buffer;
    const auto got =
        bide::as_result(peer.read_some(buffer)).wait();  // our refusal is sent by the reader; the client gives up
    EXPECT_TRUE(got.error || got.value == 0);
    client_program.wait_for("no renegotiation");
}

TEST_F(tls_counterparts, s_client_shows_its_certificate) {
    tls_options o = server_options();
    o.clients = bide::client_certificate::required;
    o.roots = our_authority().pem();
    program client_program({"openssl", "s_client", "-connect", "127.0.0.1:" + port(), "-CAfile", roots, "-cert",
                            client_certificate, "-key", client_key});
    tcp_tls peer = accept(o);
    EXPECT_EQ(peer.peer_certificate(), client.certificate);
    program without({"openssl", "s_client", "-connect", "127.0.0.1:" + port(), "-CAfile", roots});
    EXPECT_EQ(error_of([&] { accept(o); }).message(), "peer did not return a certificate");
}

// ---- Python -------------------------------------------------------------------------------------------------------

TEST_F(tls_counterparts, pythons_https_server_gives_us_a_file) {
    const std::string text = much_text(2'000'000);
    static_cast<void>(at.file("file.txt", text));
    program server({"python3", "-u", "-c",
                    "import sys, ssl, functools, http.server as h\n"
                    "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
                    "c.load_cert_chain(sys.argv[1], sys.argv[2])\n"
                    "s = h.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(h.SimpleHTTPRequestHandler, "
                    "directory=sys.argv[3]))\n"
                    "s.socket = c.wrap_socket(s.socket, server_side=True, suppress_ragged_eofs=False)\n"
                    "print('port', s.server_address[1], flush=True)\n"
                    "s.serve_forever()\n",
                    certificate, key, at.path().string()});
    const ip_endpoint to = ip_endpoint::loopback(server.wait_for_port("port "));
    tcp_tls s = connect(to);
    s.write_all(bytes_of(get)).wait();
    // It closes without saying so: what HTTP says of the length is all that there is, and the rest is an error.
    std::string answer;
    std::array<std::byte, 4096> buffer;
    std::error_code end;
    for (;;) {
        const auto got = bide::as_result(s.read_some(buffer)).wait();
        answer += bide::text_of(std::span<const std::byte>(buffer).first(got.value));
        end = got.error;
        if (end || got.value == 0) break;
    }
    EXPECT_TRUE(body_of(answer) == text);
    EXPECT_EQ(end, tls_errc::truncated);
}

TEST_F(tls_counterparts, pythons_ssl_is_our_client) {
    tls_options o = server_options();
    o.protocols = {"echo"};
    program client_program({"python3", "-u", "-c",
                            "import sys, ssl, socket\n"
                            "c = ssl.create_default_context(cafile=sys.argv[2])\n"
                            "c.set_alpn_protocols(['other', 'echo'])\n"
                            "s = c.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), "
                            "server_hostname='localhost', suppress_ragged_eofs=False)\n"
                            "print(s.version(), s.selected_alpn_protocol(), s.getpeercert()['subject'])\n"
                            "data = bytes(range(256)) * 4000\n"
                            "s.sendall(data)\n"
                            "got = b''\n"
                            "while len(got) < len(data): got += s.recv(65536)\n"
                            "print('the same' if got == data else 'something else')\n"
                            "s.unwrap()\n"  // both sides say that this was all
                            "print('ended in order')\n",
                            port(), roots});
    tcp_tls peer = accept(o);
    std::vector<std::byte> all(256 * 4000);
    peer.read_exactly(all).wait();
    peer.write_all(all).wait();
    std::array<std::byte, 16> buffer;
    EXPECT_EQ(peer.read_some(buffer).wait(), 0U);
    peer.finish().wait();
    EXPECT_EQ(client_program.status(), 0) << client_program.said();
    EXPECT_EQ(client_program.said(), "TLSv1.3 echo ((('commonName', 'a test'),),)\nthe same\nended in order\n");
}

// finish() is what tells the two apart for a peer that asks.
TEST_F(tls_counterparts, pythons_ssl_tells_our_end_from_a_cut) {
    for (const bool ended : {true, false}) {
        program client_program({"python3", "-u", "-c",
                                "import sys, ssl, socket\n"
                                "c = ssl.create_default_context(cafile=sys.argv[2])\n"
                                "c.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF\n"  // some versions begin with it set
                                "s = c.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), "
                                "server_hostname='localhost', suppress_ragged_eofs=False)\n"
                                "try:\n"
                                "  while s.recv(100): pass\n"
                                "  print('the end')\n"
                                "except ssl.SSLError as e: print('cut' if 'EOF' in str(e).upper() else e)\n",
                                port(), roots});
        tcp_tls peer = accept();
        peer.write_all(bytes_of("text")).wait();
        if (ended)
            peer.finish().wait();
        else
            peer.below().finish().wait();
        EXPECT_EQ(client_program.status(), 0) << client_program.said();
        EXPECT_EQ(client_program.said(), ended ? "the end\n" : "cut\n");
    }
}

// ---- nginx --------------------------------------------------------------------------------------------------------

TEST_F(tls_counterparts, nginx_gives_us_a_file_and_resumes) {
    const std::string text = much_text(5'000'000);
    static_cast<void>(at.file("file.txt", text));
    const support::nginx server(at, "ssl_certificate " + certificate + "; ssl_certificate_key " + key + ";", " ssl");
    const tls_context ours = tls_context::client(client_options());
    for (int i = 0; i < 2; ++i) {
        auto s = bide::tls_connect(ours, tcp_stream::connect(server.at()).wait(), "localhost").wait();
        EXPECT_EQ(s.resumed(), i != 0);
        const std::string answer =
            ask(std::move(s), "GET /file.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        EXPECT_TRUE(body_of(answer) == text);
    }
    EXPECT_EQ(error_of([&] { connect(server.at(), client_options(), "other.example"); }),
              tls_verify_errc::hostname_mismatch);
}

TEST_F(tls_counterparts, nginx_wants_our_certificate) {
    const support::nginx server(at,
                                "ssl_certificate " + certificate + "; ssl_certificate_key " + key +
                                    "; ssl_client_certificate " + roots +
                                    "; ssl_verify_client on; location / { return 200 $ssl_client_s_dn; }",
                                " ssl");
    tls_options o = client_options();
    o.certificates = client.certificate;
    o.key = client.key;
    EXPECT_EQ(body_of(ask(connect(server.at(), o), get)), "CN=a test");
    EXPECT_EQ(ask(connect(server.at()), get).substr(0, 12), "HTTP/1.1 400");
}

TEST_F(tls_counterparts, nginx_is_our_client_as_a_proxy) {
    const support::nginx proxy(at,
                               "location / { proxy_pass https://127.0.0.1:" + port() +
                                   "; proxy_ssl_trusted_certificate " + roots +
                                   "; proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_server_name on; }",
                               "");
    const std::string text = much_text(500'000);
    tcp_stream s = tcp_stream::connect(proxy.at()).wait();
    s.write_all(bytes_of(get)).wait();
    serve(text);
    EXPECT_TRUE(body_of(read_to_end(s).wait()) == text);
}

// ---- curl ---------------------------------------------------------------------------------------------------------

TEST_F(tls_counterparts, curl_is_served_in_both_versions) {
    const std::string text = much_text(300'000);
    for (const char* version : {"1.2", "1.3"}) {
        program curl({"curl", "-sS", "--noproxy", "*", "--cacert", roots, "--tls-max", version,
                      "https://127.0.0.1:" + port() + "/"});
        serve(text);
        EXPECT_EQ(curl.status(), 0) << curl.said().substr(0, 300);
        EXPECT_TRUE(curl.said() == text);
    }
}

// That the stream was cut is nothing to curl where HTTP does not say how long the page is; where it does, it is.
TEST_F(tls_counterparts, curl_notices_that_a_page_was_cut) {
    program curl({"curl", "-sS", "--noproxy", "*", "--cacert", roots, "https://127.0.0.1:" + port() + "/"});
    tcp_tls peer = accept();
    static_cast<void>(read_until(peer, "\r\n\r\n").wait());
    peer.write_all(bytes_of("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nnot all of it")).wait();
    peer.below().finish().wait();                 // without saying that this was all
    EXPECT_EQ(curl.status(), 18) << curl.said();  // CURLE_PARTIAL_FILE
    peer.close();
}

TEST_F(tls_counterparts, curl_refuses_a_server_that_it_does_not_know) {
    program curl({"curl", "-sS", "--noproxy", "*", "https://127.0.0.1:" + port() + "/"});
    EXPECT_EQ(error_of([&] { accept(); }).message(), "tlsv1 alert unknown ca");
    EXPECT_EQ(curl.status(), 60) << curl.said();
}

TEST_F(tls_counterparts, curl_shows_its_certificate) {
    tls_options o = server_options();
    o.clients = bide::client_certificate::required;
    o.roots = our_authority().pem();
    program curl({"curl", "-sS", "--noproxy", "*", "--cacert", roots, "--cert", client_certificate, "--key", client_key,
                  "https://127.0.0.1:" + port() + "/"});
    serve("for you alone", o);
    EXPECT_EQ(curl.status(), 0);
    EXPECT_EQ(curl.said(), "for you alone");
}

}  // namespace
