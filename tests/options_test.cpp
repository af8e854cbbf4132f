// SPDX-License-Identifier: BSL-1.0
//
// Every options type, checked by the compiler. Where no member needs a destructor it is an aggregate, for designated
// initialisers: f({.backlog = 5}). The others (strings, lists) have a constructor and are filled in statements, because
// g++ 12 destroys an aggregate temporary with such members twice within a co_await expression.
#include <bide/bide.hpp>
#include <bide/io/connect.hpp>
#include <bide/io/dns.hpp>
#include <bide/io/local.hpp>
#include <bide/io/process.hpp>
#include <bide/io/tcp.hpp>
#include <bide/io/tls_context.hpp>
#include <bide/io/udp.hpp>

#include <type_traits>

namespace {

template <class Options>
constexpr bool designated = std::is_aggregate_v<Options> && std::is_trivially_copyable_v<Options>;
template <class Options>
constexpr bool filled =
    !std::is_aggregate_v<Options> && std::is_default_constructible_v<Options> && std::is_move_assignable_v<Options>;

static_assert(designated<bide::scope_options> && designated<bide::loop_options> && designated<bide::pool_options> &&
              designated<bide::threads_options>);
static_assert(designated<bide::listen_options> && designated<bide::local_listen_options> &&
              designated<bide::udp_options> && designated<bide::keep_alive_options>);
static_assert(filled<bide::connect_options> && filled<bide::dns_options> && filled<bide::tls_options> &&
              filled<bide::process_options>);

// The header that declares a function with options has the options' type complete.
[[maybe_unused]] void spelled() {
    static_cast<void>(bide::tcp_listener::listen(bide::ip_endpoint(), {.backlog = 1, .reuse_port = true}));
    static_cast<void>(bide::tcp_listener::listen(bide::ip_endpoint(), bide::listen_options{.only_v6 = true}));
    static_cast<void>(bide::local_listener::listen(bide::local_endpoint(), {.backlog = 1}));
    static_cast<void>(bide::udp_socket::bind(bide::ip_endpoint(), {.reuse_port = true, .only_v6 = true}));
    bide::tcp_stream().set_keep_alive({.probes = 2});
    bide::tcp_stream().set_keep_alive(std::nullopt);
}

}  // namespace
