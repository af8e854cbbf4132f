// SPDX-License-Identifier: BSL-1.0
#include "disk.hpp"

#include <bide/error.hpp>
#include <bide/io/file.hpp>
#include <bide/time.hpp>

#include <algorithm>
#include <exception>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace soak {
namespace {

using bide::file;
using bide::open_mode;
using bide::task;
using namespace std::chrono_literals;

constexpr auto anew = open_mode::read_write | open_mode::create | open_mode::truncate;

/// Everything that was written is there, and nothing else.
task<> written_and_read(file& f, std::uint64_t seed, std::size_t length, tally& t) {
    std::vector<std::byte> bytes(length);
    fill(bytes, seed, 0);
    hash out;
    out.add(bytes);
    for (std::size_t at = 0; at < length;) {
        const std::size_t n = std::min<std::size_t>(length - at, 1 + mix(seed + at) % 50'000);
        co_await f.write_at(at, std::span<const std::byte>(bytes).subspan(at, n));
        at += n;
    }
    std::fill(bytes.begin(), bytes.end(), std::byte{});
    const std::size_t n = co_await f.read_at(0, bytes);
    hash in;
    in.add(bytes);
    t.sent += length;
    t.received += n;
    t.returned_out += length;
    t.returned_in += n;
    const bide::file_information what = co_await f.information();
    if (n != length || what.size != length || in != out) t.bad(plan::whole, "the file is another one");
    ++t.as_planned["whole"];
}

task<> write_whole(file& f, std::span<const std::byte> bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t n = std::min<std::size_t>(bytes.size() - at, 4096);
        co_await f.write_at(at, bytes.subspan(at, n));
        at += n;
    }
    co_await f.sync_content();
}

/// What is there afterwards is the beginning of what was to be written.
task<> stopped(file& f, std::uint64_t seed, std::size_t length, dice& d, tally& t) {
    std::vector<std::byte> bytes(length);
    fill(bytes, seed, 0);
    bool cut = false;
    try {
        co_await bide::with_timeout(std::chrono::microseconds(d.below(2000)), write_whole(f, bytes));
    } catch (const bide::timed_out&) {
        cut = true;
    }
    ++t.faults[cut ? "(a file was stopped)" : "(a file that was to be stopped was quicker)"];
    std::vector<std::byte> there(length);
    const std::size_t n = co_await f.read_at(0, there);
    if (!is_right(std::span<const std::byte>(there).first(n), seed, 0)) t.bad(plan::whole, "a stopped file is wrong");
    ++t.as_planned["stopped"];
}

/// The error has to come, and to be this one.
task<> refused(std::filesystem::path path, open_mode mode, std::errc expected, tally& t) {
    std::error_code met;
    try {
        file f = co_await file::open(path, mode);
        const std::byte one{1};
        co_await f.write_at(0, std::span(&one, 1));
    } catch (const std::system_error& e) {
        met = e.code();
    }
    if (met) t.met(met);
    if (is_short(met)) co_return;
    if (met != expected) t.bad(plan::refused, path.string() + ": " + met.message());
    ++t.as_planned["refused"];
}

task<> one_file(const std::filesystem::path& directory, std::filesystem::path own, dice& d, tally& t) {
    const std::uint64_t seed = d.below(~std::uint64_t{0});
    switch (d.below(8)) {
        case 0:
            co_await refused("/dev/full", open_mode::write, std::errc::no_space_on_device, t);
            co_return;
        case 1:
            co_await refused(directory / "missing", open_mode::write, std::errc::no_such_file_or_directory, t);
            co_return;
        case 2:
            co_await refused(directory, open_mode::write, std::errc::is_a_directory, t);
            co_return;
        default:
            break;
    }
    file f = co_await file::open(own, anew);
    ++t.opened;
    if (d.below(3) == 0)
        co_await stopped(f, seed, 1 + d.below(200'000), d, t);
    else
        co_await written_and_read(f, seed, 1 + d.below(400'000), t);
}

}  // namespace

task<> use_files(std::filesystem::path directory, std::chrono::steady_clock::time_point until, std::uint64_t seed,
                 tally& t) {
    dice d(seed);
    const std::filesystem::path own = directory / std::to_string(seed);
    while (std::chrono::steady_clock::now() < until) {
        try {
            co_await one_file(directory, own, d, t);
        } catch (const std::system_error& e) {
            if (is_short(e.code()))
                t.met(e.code());
            else
                t.bad(plan::whole, e.what());
        }
        co_await bide::sleep_for(2ms);  // the connections are what this is about
    }
}

}  // namespace soak
