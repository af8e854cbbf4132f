// SPDX-License-Identifier: BSL-1.0
#include "timeline.hpp"

#include "picture.hpp"
#include "report.hpp"
#include "text.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iomanip>
#include <system_error>

namespace {

constexpr double width = 1280;
constexpr double left = 64;  // of the panels
constexpr double right = width - 40;

bool any_failed(const run_record& r) {
    return std::any_of(r.lanes.begin(), r.lanes.end(), [](const lane& l) { return !l.failure.empty(); });
}

// A run on the common scale, with its name and its time.
panel draw_run(picture& p, const run_record& r, double y, double height, double scale) {
    const panel at{left, y, right - left, height, scale};
    p.text(at.x, y - 9, 16, "start", r.title + ": " + in_time(r.seconds), "strong");
    p.box(at, "panel");
    p.axis(at);
    p.lanes(at, r);
    p.side_text(at, "one lane per file");
    return at;
}

// The second run magnified, in the room that it leaves.
void draw_lens(picture& p, const panel& at, const run_record& r) {
    const double end = at.x + r.seconds / at.seconds * at.w;
    const double room = right - end;
    if (room < at.w * 0.5 || r.seconds <= 0 || r.lanes.size() <= 12) return;
    const panel frame{end + 60, at.y + 8, room - 72, at.h - 16};
    const panel lens{frame.x + 26, frame.y + 28, frame.w - 52, frame.h - 58, r.seconds};
    p.line(end, at.y, frame.x, frame.y, "ray");
    p.line(end, at.y + at.h, frame.x, frame.y + frame.h, "ray");
    p.box(frame, "lens");
    p.axis(lens);
    p.packed_lanes(lens, r);
    p.text(lens.x, lens.y - 9, 13, "start", "magnified: one lane per place, as many as were busy at once", "faint");
}

}  // namespace

void check_writable(const std::filesystem::path& file) {
    std::error_code ignored;
    const bool was_there = std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
    if (!std::ofstream(file, std::ios::app))
        throw std::system_error(errno, std::generic_category(),
                                "cannot write the picture " + for_terminal(file.string()));
    if (!was_there) std::filesystem::remove(file, ignored);
}

void draw(const std::filesystem::path& file, const run_record& before, const run_record& after,
          const std::string& setting) {
    picture p;
    const double times = after.seconds > 0 ? before.seconds / after.seconds : 1;
    std::ostringstream gain;
    gain << std::fixed << std::setprecision(times < 20 ? 1 : 0) << times;
    const std::string title = std::to_string(before.lanes.size()) + " files fetched, hashed and noted";
    p.text(left, 46, 25, "start", title, "strong");
    p.text(right, 46, 25, "end", gain.str() + " times as fast", "strong gain");
    p.text(left, 70, 14, "start",
           setting + " Both runs await the same function on one thread; hashing and the database are on others.",
           "faint");
    p.legend(left, 102, any_failed(before) || any_failed(after));

    const double scale = std::max({before.seconds, after.seconds, 1e-6});
    const double height = std::clamp(13.0 * static_cast<double>(before.lanes.size()), 110.0, 330.0);
    const double first = 150;
    draw_run(p, before, first, height, scale);
    const panel second = draw_run(p, after, first + height + 66, height, scale);
    draw_lens(p, second, after);
    p.save(file, width, second.y + height + 40,
           title + ". " + before.title + ": " + in_time(before.seconds) + "; " + after.title + ": " +
               in_time(after.seconds));
}
