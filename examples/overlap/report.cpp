// SPDX-License-Identifier: BSL-1.0
#include "report.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cstdio>

namespace {

template <class... A>
std::string format(const char* how, A... values) {
    std::array<char, 128> text{};
    std::snprintf(text.data(), text.size(), how, values...);
    return text.data();
}

// From asking for a file to having all of it, the hashing of its parts included.
double longest_request(const run_record& r) {
    double longest = 0;
    for (const lane& l : r.lanes) {
        double end = 0;
        for (const segment& s : l.segments)
            if (s.what == phase::fetch) end = s.end;
        if (!l.segments.empty()) longest = std::max(longest, end - l.segments.front().begin);
    }
    return longest;
}

void print_row(const run_record& r) {
    std::uintmax_t bytes = 0;
    std::size_t files = 0;
    for (const lane& l : r.lanes)
        if (l.failure.empty()) bytes += l.size, ++files;
    std::printf("  %-22s %7zu %11s %11s %16s\n", r.title.c_str(), files, in_bytes(bytes).c_str(),
                in_time(r.seconds).c_str(), in_time(longest_request(r)).c_str());
}

// Of the terminal. Asked each time: it may be made wider or narrower meanwhile.
std::size_t columns() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

}  // namespace

std::string in_bytes(std::uintmax_t n) {
    if (n < 1024) return format("%d B", static_cast<int>(n));
    double value = static_cast<double>(n);
    const char* unit = "B";
    for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
        if (value < 1024) break;
        value /= 1024;
        unit = next;
    }
    return format("%.1f %s", value, unit);
}

std::string in_time(double seconds) {
    return seconds < 1 ? format("%.1f ms", seconds * 1000) : format("%.2f s", seconds);
}

progress::progress(std::string title, std::size_t files)
    : title_(std::move(title)), files_(files), terminal_(::isatty(STDOUT_FILENO) == 1), next_((files + 3) / 4) {}

progress::~progress() {
    if (terminal_) std::printf("\r\x1b[K");  // the table says it all
    std::fflush(stdout);
}

void progress::show(std::size_t done, std::uintmax_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - began_).count();
    const std::string counts =
        format("%zu of %zu files, %s, %s", done, files_, in_bytes(bytes).c_str(), in_time(seconds).c_str());
    if (!terminal_) {
        if (done < next_ && done != files_) return;
        std::printf("%s: %s\n", title_.c_str(), counts.c_str());
        std::fflush(stdout);
        next_ = done + std::max<std::size_t>(1, (files_ + 3) / 4);
    } else if (now - shown_ > std::chrono::milliseconds(50) || done == files_) {
        shown_ = now;
        // A line that is broken could not be rewritten: the bar has the room that is left, at most 24.
        const std::size_t words = title_.size() + counts.size() + 5;
        const std::size_t width = std::clamp<std::size_t>(columns(), words, words + 24) - words;
        const std::size_t full = files_ == 0 ? width : width * done / files_;
        const std::string bar = std::string(full, '#') + std::string(width - full, '.');
        const std::string line = title_ + " [" + bar + "] " + counts;
        std::printf("\r%s\x1b[K", line.substr(0, columns() - 1).c_str());
        std::fflush(stdout);
    }
}

void print_table(const run_record& before, const run_record& after) {
    std::printf("\n  %-22s %7s %11s %11s %16s\n", "", "files", "bytes", "wall time", "longest request");
    print_row(before);
    print_row(after);
    if (after.seconds > 0) std::printf("  %-22s %31.1f times\n", "speed-up", before.seconds / after.seconds);
    std::printf("\n");
}
