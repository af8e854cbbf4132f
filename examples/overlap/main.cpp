// SPDX-License-Identifier: BSL-1.0
// overlap: what it is worth that waits overlap. See --help, and runs.cpp for the function that is run twice.
#include "database.hpp"
#include "limits.hpp"
#include "options.hpp"
#include "report.hpp"
#include "runs.hpp"
#include "server.hpp"
#include "text.hpp"
#include "timeline.hpp"
#include "tree.hpp"

#include <bide/error.hpp>
#include <bide/stop_on_signals.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <iostream>
#include <system_error>

namespace fs = std::filesystem;

namespace {

// The program writes these while the files are being read.
std::vector<fs::path> own_outputs(const options& o) {
    std::vector<fs::path> own{fs::weakly_canonical(o.svg)};
    for (const char* ending : {"", "-wal", "-shm", "-journal"}) {
        fs::path file = fs::weakly_canonical(o.database);
        own.push_back(file += ending);
    }
    return own;
}

run_record measure(const std::string& title, const file_tree& tree, const file_server& server, database& notes,
                   int most) {
    progress shown(title, tree.files.size());
    run r(title, tree, server.endpoint(), notes,
          [&](std::size_t done, std::uintmax_t bytes) { shown.show(done, bytes); });
    if (most == 0)
        r.one_after_another().wait();
    else
        r.at_once(most).wait();
    return r.record();
}

// What went wrong, at most ten of it. How many there were.
std::size_t complain(const char* what, const std::vector<std::string>& all) {
    if (all.empty()) return 0;
    std::cerr << "overlap: " << what << ": " << all.size() << '\n';
    for (std::size_t i = 0; i < all.size() && i < 10; ++i) std::cerr << "  " << for_terminal(all[i]) << '\n';
    if (all.size() > 10) std::cerr << "  ...\n";
    return all.size();
}

std::vector<std::string> failures(const run_record& r) {
    std::vector<std::string> all;
    for (const lane& l : r.lanes)
        if (!l.failure.empty()) all.push_back(l.name + ": " + l.failure);
    return all;
}

int work(const options& o) {
    check_writable(o.svg);  // now, and not when all the work is done
    database notes(o.database);
    const file_tree tree = list_files(o.directory, own_outputs(o));
    std::size_t bad = complain("directories that could not be read", tree.problems);
    const std::string where = for_terminal(o.directory.string());
    if (tree.files.empty()) {
        std::printf("%s: there are no files in it, so there is nothing to do\n", where.c_str());
        return bad == 0 ? 0 : 1;
    }
    const auto wanted =
        static_cast<int>(std::min<std::size_t>(tree.files.size(), static_cast<std::size_t>(o.concurrency)));
    const int possible = possible_at_once(wanted);
    const int most = possible < wanted ? possible : o.concurrency;
    const file_server server(o.directory, o.port, o.delay);
    const std::string skipped =
        tree.skipped == 0 ? "" : " (and " + std::to_string(tree.skipped) + " links and devices left out)";
    std::printf("%s: %zu files%s, served on http://%s/, each after %lld ms\n", where.c_str(), tree.files.size(),
                skipped.c_str(), server.endpoint().to_string().c_str(), static_cast<long long>(o.delay.count()));
    if (most < o.concurrency)
        std::printf("not %d at once, but %d: a process may have no more descriptors here (ulimit -Hn)\n", o.concurrency,
                    most);

    std::fflush(stdout);  // whoever reads along, through a pipe or from a file, may talk to the server from now on

    const run_record before = measure("one after another", tree, server, notes, 0);
    const run_record after = measure("at most " + std::to_string(most) + " at once", tree, server, notes, most);
    print_table(before, after);

    const std::vector<note> noted = notes.all();
    const std::vector<std::string> wrong = compare_with_disk(noted, o.directory).wait();
    std::printf("%zu of %zu hashes in %s are those of the files on disk\n", noted.size() - wrong.size(), noted.size(),
                for_terminal(o.database.string()).c_str());
    draw(o.svg, before, after, "The server waits " + std::to_string(o.delay.count()) + " ms before each response.");
    std::printf("the picture of both runs: %s\n", for_terminal(o.svg.string()).c_str());

    bad += complain("files that could not be fetched", failures(before));
    bad += complain("files that could not be fetched, at once", failures(after));
    bad += complain("hashes that do not agree with the disk", wrong);
    return bad == 0 ? 0 : 1;
}

// What was printed has arrived, unless somebody closed the pipe or the disk is full.
void check_printed() {
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
        throw std::system_error(errno, std::generic_category(), "cannot write to the standard output");
}

}  // namespace

int main(int argc, char** argv) {
    const auto asked = read_options(argc, argv);
    if (const int* status = std::get_if<int>(&asked)) return *status;
    const bide::stop_on_signals guard;  // Ctrl-C: what is under way ends, and then the program, by that signal
    try {
        const int status = work(std::get<options>(asked));
        check_printed();
        return status;
    } catch (const bide::cancelled&) {
        std::fflush(stdout);
        std::cerr << "overlap: stopped; what was fetched until then is in the database\n";
        return 1;
    } catch (const std::exception& e) {
        std::fflush(stdout);
        std::cerr << "overlap: " << e.what() << '\n';
        return 1;
    }
}
