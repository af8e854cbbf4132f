// SPDX-License-Identifier: BSL-1.0
#include "options.hpp"

#include "text.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

std::variant<options, int> read_options(int argc, char** argv) {
    options o;
    std::string directory = OVERLAP_PROJECT;
    std::string database = "overlap.db";
    std::string svg = "overlap.svg";
    int delay = static_cast<int>(o.delay.count());

    CLI::App app{
        "Serves a directory over HTTP on this machine, fetches every file of it, hashes it and notes it in a database: "
        "first one after another, then many at once. Shows what overlapping the waits is worth."};
    app.add_option("directory", directory, "The files to serve and fetch (default: this project's own)");
    app.add_option("--delay", delay, "Milliseconds that the server waits before each response")
        ->check(CLI::Range(0, 60'000))
        ->capture_default_str();
    app.add_option("--concurrency", o.concurrency, "How many files at once, at most, in the second run")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    app.add_option("--port", o.port, "The server's port on 127.0.0.1; 0: any that is free")->capture_default_str();
    app.add_option("--database", database, "Where name, size, hash and time go (SQLite, table 'overlap')")
        ->capture_default_str();
    app.add_option("--svg", svg, "Where the picture of both runs goes")->capture_default_str();

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e, std::cout, std::cerr) == 0 ? 0 : 2;
    }

    std::error_code why;
    o.directory = std::filesystem::canonical(directory, why);
    if (!why && !std::filesystem::is_directory(o.directory)) why = std::make_error_code(std::errc::not_a_directory);
    if (why) {
        std::cerr << "overlap: cannot serve " << for_terminal(directory) << ": " << why.message() << '\n';
        return 2;
    }
    o.delay = std::chrono::milliseconds(delay);
    o.database = database;
    o.svg = svg;
    return o;
}
