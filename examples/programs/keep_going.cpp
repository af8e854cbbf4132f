// SPDX-License-Identifier: BSL-1.0
// keep_going N: runs the commands that it reads, a line each, N at a time; says how far it is on the error stream, and
// what each has written on the output, whole. Exit status 1 if one of them failed. SIGINT and SIGTERM end it, and the
// commands: they may clean up, but not for longer than two seconds.
#include <bide/bide.hpp>
#include <bide/io/buffered.hpp>
#include <bide/io/process.hpp>
#include <bide/io/signal.hpp>
#include <bide/io/standard.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace {

struct progress {
    int read = 0;
    int done = 0;
    int failed = 0;
    void say() const {
        std::cerr << done << " of " << read << " done" << (failed != 0 ? ", " + std::to_string(failed) + " failed" : "")
                  << std::endl;
    }
};

bide::task<> command(std::string line, bide::semaphore& places, progress& all) {
    const auto place = co_await places.acquire();
    bide::process_options o("-c", line);
    o.own_group = true;  // a shell does not pass signals on
    o.input = bide::stdio::null();
    const bide::process_output got = co_await bide::run_process("sh", std::move(o), std::string());
    ++all.done;
    std::cout << got.output << std::flush;
    std::cerr << got.error;
    if (!got.status.success()) {
        ++all.failed;
        std::cerr << line << ": " << got.status.to_string() << '\n';
    }
    all.say();
}

bide::task<> read_commands(bide::semaphore& places, progress& all) {
    auto body = [&](bide::scope& s) -> bide::task<> {
        bide::buffered_reader lines(bide::standard_input());
        for (;;) {
            std::optional<std::string> line = co_await lines.read_line();
            if (!line) co_return;
            if (line->empty()) continue;
            ++all.read;
            s.start(command, std::move(*line), std::ref(places), std::ref(all));
        }
    };
    co_await bide::with_scope(body);
}

bide::task<int> until_signal(bide::signal_set& wanted) { co_return co_await wanted.next(); }

bide::task<int> run_all(int at_once) {
    bide::signal_set wanted{SIGINT, SIGTERM};
    bide::semaphore places(at_once);
    progress all;
    bool over = false;
    auto work = [&]() -> bide::task<int> {
        co_await read_commands(places, all);
        over = true;
        co_return 0;
    };
    const int signal = co_await bide::race(work(), until_signal(wanted));
    if (!over) std::cerr << "ended by signal " << signal << '\n';
    co_return !over ? 128 + signal : all.failed != 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    const int at_once = argc == 2 ? std::atoi(argv[1]) : 0;
    if (at_once < 1) {
        std::cerr << "usage: keep_going N <COMMANDS\n";
        return 2;
    }
    try {
        return run_all(at_once).wait();
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
