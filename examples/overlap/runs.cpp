// SPDX-License-Identifier: BSL-1.0
#include "runs.hpp"

#include "sha256.hpp"

#include <bide/call.hpp>
#include <bide/error.hpp>
#include <bide/scope.hpp>
#include <bide/sync/semaphore.hpp>

#include <map>
#include <thread>

run::run(std::string title, const file_tree& tree, const bide::ip_endpoint& server, database& notes,
         progress_function progress)
    : client_(server), database_(notes), progress_(std::move(progress)) {
    record_.title = std::move(title);
    for (const file_entry& f : tree.files) {
        record_.lanes.emplace_back();
        record_.lanes.back().name = f.name;
    }
}

double run::now() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count(); }

bide::task<> run::one_after_another() {
    began_ = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < record_.lanes.size(); ++i) co_await handle(i);
    record_.seconds = now();
}

bide::task<> run::at_once(int most) {
    began_ = std::chrono::steady_clock::now();
    bide::semaphore places(most);
    auto start_all = [this, &places](bide::scope& s) -> bide::task<> {
        for (std::size_t i = 0; i < record_.lanes.size(); ++i) {
            auto place = co_await places.acquire();
            s.start([this](std::size_t file, bide::semaphore::permit) -> bide::task<> { co_await handle(file); }, i,
                    std::move(place));  // the task has its place until it has ended
        }
    };
    co_await bide::with_scope(start_all);
    record_.seconds = now();
}

// A file that fails is noted, and the others go on. A database that fails ends it all: thrown here, it stops what else
// is under way, and comes out of the scope.
bide::task<> run::handle(std::size_t file) {
    lane& l = record_.lanes[file];
    try {
        co_await fetch_hash_note(l);
    } catch (const database_error&) {
        throw;
    } catch (const std::exception& e) {
        l.failure = e.what();
    }
    bytes_ += l.size;
    progress_(++done_, bytes_);
}

// The function that this is all about: it waits three times, and says so only by co_await.
bide::task<> run::fetch_hash_note(lane& l) {
    double last = now();
    l.begin = last;
    const auto over = [&](phase what) {
        const double end = now();
        l.segments.push_back({what, last, end});
        last = end;
    };

    download file(client_, l.name);
    co_await file.begin();
    sha256 hash;
    for (;;) {
        const std::span<const std::byte> part = co_await file.next();
        over(phase::fetch);
        if (part.empty()) break;
        l.size += part.size();
        co_await bide::run(&sha256::add, std::ref(hash), part);  // computing: on a thread
        over(phase::hash);
    }

    note n;
    n.run = record_.title;
    n.name = l.name;
    n.size = l.size;
    n.hash = hash.finish();
    n.milliseconds = (last - l.segments.front().begin) * 1000;
    auto turn = co_await one_writer_.lock();  // one connection: one at a time
    over(phase::wait);
    co_await bide::run(&database::insert, std::ref(database_), std::move(n));  // blocking: on a thread
    over(phase::insert);
}

bide::task<std::vector<std::string>> compare_with_disk(const std::vector<note>& notes,
                                                       std::filesystem::path directory) {
    std::map<std::string, std::vector<const note*>> by_name;  // each file is read once
    for (const note& n : notes) by_name[n.name].push_back(&n);
    std::vector<std::string> wrong;
    bide::semaphore places(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
    auto compare = [&](const std::string& name, const std::vector<const note*>& found,
                       bide::semaphore::permit) -> bide::task<> {
        std::string on_disk;
        try {
            on_disk = co_await bide::run(&sha256_of, directory / name);
        } catch (const std::exception& e) {
            wrong.push_back(name + ": " + e.what());
            co_return;
        }
        for (const note* n : found)
            if (n->hash != on_disk)
                wrong.push_back(name + ": fetched " + n->hash + ", on disk " + on_disk + "; has it changed?");
    };
    auto compare_all = [&](bide::scope& s) -> bide::task<> {
        for (const auto& [name, found] : by_name) {
            auto place = co_await places.acquire();
            s.start(compare, std::cref(name), std::cref(found), std::move(place));
        }
    };
    co_await bide::with_scope(compare_all);
    co_return wrong;
}
