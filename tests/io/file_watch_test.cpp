// SPDX-License-Identifier: BSL-1.0
#include <bide/io/file.hpp>
#include <bide/io/file_watch.hpp>
#include <bide/loop.hpp>
#include <bide/time.hpp>

#include "support/io.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <fstream>
#include <memory>

namespace {

using bide::file_change;
using bide::file_event;
using bide::file_watch;
using bide::task;
using support::error_of;
using support::turn;
using support::turn_until;
using namespace std::chrono_literals;

class watch : public support::no_leaks {
protected:
    support::temporary_directory dir_;
};

/// Waits for this change of this path; what comes before is passed over.
file_event until(file_watch& w, const std::filesystem::path& path, file_change what) {
    for (;;) {
        file_event e = w.next().wait();
        if (e.path == path && e.what == what) return e;
    }
}

TEST_F(watch, C15_20_what_happens_in_a_directory) {
    file_watch w;
    w.add(dir_.path());
    support::put(dir_ / "f", "x");
    EXPECT_EQ(w.next().wait().what, file_change::appeared);
    until(w, dir_ / "f", file_change::modified);
    until(w, dir_ / "f", file_change::written);
    ASSERT_EQ(::chmod((dir_ / "f").c_str(), 0600), 0);
    until(w, dir_ / "f", file_change::attributes);
    std::filesystem::rename(dir_ / "f", dir_ / "g");
    until(w, dir_ / "f", file_change::disappeared);
    until(w, dir_ / "g", file_change::appeared);
    std::filesystem::create_directory(dir_ / "d");
    EXPECT_TRUE(until(w, dir_ / "d", file_change::appeared).is_directory);
    bide::write_file(dir_ / "g", "new").wait();
    until(w, dir_ / "g", file_change::appeared);
    EXPECT_THROW(
        {
            for (;;) bide::with_timeout(1ms, w.next()).wait();
        },
        bide::timed_out);
}

TEST_F(watch, C15_20_one_file_until_it_goes) {
    support::put(dir_ / "f", "x");
    support::put(dir_ / "other", "x");
    file_watch w;
    w.add(dir_ / "f");
    support::put(dir_ / "other", "y");
    std::ofstream(dir_ / "f", std::ios::app) << "y";
    EXPECT_EQ(w.next().wait().path, dir_ / "f");
    until(w, dir_ / "f", file_change::written);
    std::filesystem::remove(dir_ / "f");
    until(w, dir_ / "f", file_change::disappeared);
    w.remove(dir_ / "f");
    w.remove(dir_ / "never added");
    EXPECT_EQ(error_of([&] { w.add(dir_ / "f"); }), std::errc::no_such_file_or_directory);
}

TEST_F(watch, what_is_removed_from_the_watch_is_not_told) {
    file_watch w;
    w.add(dir_.path());
    w.remove(dir_.path());
    support::put(dir_ / "f", "x");
    EXPECT_THROW(bide::with_timeout(1ms, w.next()).wait(), bide::timed_out);
}

TEST_F(watch, C15_20_a_cancelled_wait_has_taken_nothing_and_several_events_come_one_by_one) {
    file_watch w;
    w.add(dir_.path());
    bide::loop l;
    auto next = [&]() -> task<file_event> { co_return co_await w.next(); };
    auto waiting = l.submit(next);
    turn(l, 3);
    for (const char* name : {"a", "b", "c"}) std::filesystem::create_directory(dir_ / name);
    waiting.stop();
    turn_until(l, waiting);
    EXPECT_EQ(waiting.status(), bide::future_status::cancelled);
    for (const char* name : {"a", "b", "c"}) {
        auto again = l.submit(next);
        turn_until(l, again);
        EXPECT_EQ(again.value().path, dir_ / name);
    }
}

TEST_F(watch, C15_20_too_much_at_once_is_told) {
    file_watch w;
    w.add(dir_.path());
    int bound = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> bound;
    ASSERT_GT(bound, 0);
    support::put(dir_ / "a", "");
    support::put(dir_ / "b", "");
    for (int i = 0; i < bound; ++i)  // the same one again is told once: two take turns
        ASSERT_EQ(::chmod((dir_ / (i % 2 == 0 ? "a" : "b")).c_str(), 0600), 0);
    file_event e;
    do {
        e = w.next().wait();  // hangs if it is not told
    } while (!e.overflow);
}

TEST_F(watch, one_that_is_destroyed_ends_its_wait) {
    auto w = std::make_unique<file_watch>();
    w->add(dir_.path());
    bide::loop l;
    auto waiting = l.submit([&]() -> task<> { static_cast<void>(co_await w->next()); });
    turn(l, 3);
    w.reset();
    l.run();
    EXPECT_EQ(error_of([&] { waiting.value(); }), std::errc::operation_canceled);
    file_watch a;
    const file_watch b = std::move(a);
    EXPECT_THROW(a.next().wait(), bide::usage_error);  // NOLINT(bugprone-use-after-move): that is the test
}

}  // namespace
