// SPDX-License-Identifier: BSL-1.0
// chat_server [PORT]: what one client says, all others hear. The first line of each is its name.
#include <bide/bide.hpp>
#include <bide/io/buffered.hpp>
#include <bide/io/signal.hpp>
#include <bide/io/tcp_options.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <list>
#include <memory>

namespace {

using line = std::shared_ptr<const std::string>;  // one text, however many hear it

/// Everybody who is there. On one loop: no locks.
class room {
public:
    struct member {
        std::string name;
        bide::local_channel<line> to{100};  // one that does not keep up is not waited for: it misses lines
    };
    void say(const std::string& text, const member* except) {
        const auto said = std::make_shared<const std::string>(text + "\n");
        for (member* m : members_)
            if (m != except) static_cast<void>(m->to.try_send(said));
    }
    void enter(member& m) {
        say("* " + m.name + " is here", nullptr);
        members_.push_back(&m);
        static_cast<void>(m.to.try_send(std::make_shared<const std::string>(
            "* welcome, there are " + std::to_string(members_.size()) + " of you\n")));
    }
    void leave(member& m) {
        members_.remove(&m);
        m.to.close();
        say("* " + m.name + " has left", &m);
    }

private:
    std::list<member*> members_;
};

bide::task<> deliver(room::member& m, bide::tcp_stream& to) {
    while (std::optional<line> l = co_await m.to.receive()) co_await to.write_all(bide::bytes_of(**l));
}

bide::task<> listen_to(room& all, room::member& m, bide::tcp_stream& from) {
    bide::buffered_reader lines(from);
    std::optional<std::string> text = co_await lines.read_line(32);
    if (!text) co_return;
    m.name = *text;
    all.enter(m);
    struct leaving {  // also when this task is stopped, or its client disappears
        room& of;
        room::member& who;
        ~leaving() { of.leave(who); }
    } const at_the_end{all, m};
    for (;;) {
        text = co_await lines.read_line(1000);
        if (!text) co_return;
        all.say(m.name + ": " + *text, &m);
    }
}

bide::task<> client(room& all, bide::tcp_stream peer) {
    room::member m;
    try {
        co_await bide::race(listen_to(all, m, peer), deliver(m, peer));
    } catch (const std::system_error& e) {
        std::cerr << m.name << ": " << e.what() << '\n';
    }
}

bide::task<> serve(room& all, bide::tcp_listener& at, bide::scope_ref clients) {
    for (;;) {
        bide::tcp_stream peer = co_await bide::accept_patiently(at);
        clients.start(client, std::ref(all), std::move(peer));
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const int port = argc > 1 ? std::atoi(argv[1]) : 0;
        auto at = bide::tcp_listener::listen(bide::ip_endpoint::loopback(static_cast<std::uint16_t>(port)));
        std::cout << "listening on " << at.endpoint().to_string() << std::endl;
        bide::signal_set end{SIGINT, SIGTERM};
        room all;
        bide::with_scope({.exit = bide::exit_mode::cancel}, [&](bide::scope& s) {
            s.start(serve, std::ref(all), std::ref(at), s.ref());
            end.next().wait();
        });
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
