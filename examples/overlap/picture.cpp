// SPDX-License-Identifier: BSL-1.0
#include "picture.hpp"

#include "report.hpp"
#include "text.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <system_error>

namespace {

constexpr std::size_t most_lanes = 1200;  // more could not be told apart

struct look {
    const char* style;
    const char* word;
};
constexpr std::array<look, 4> looks{{{"fetch", "fetch: waits for the server"},
                                     {"hash", "hash: on a thread"},
                                     {"turn", "waits for its turn at the database"},
                                     {"note", "insert: on a thread"}}};
const look& look_of(phase p) { return looks[static_cast<std::size_t>(p)]; }

// Readable by day and by night: a viewer that knows the reader's wish shows the second set of colours.
constexpr const char* style_sheet = R"(<style>
text{fill:#1f2933}.faint{fill:#5b6774}.strong{font-weight:bold}.gain{fill:#1667a8}
.page{fill:#fff}.panel{fill:#f4f6f9}.lens{fill:#fff;stroke:#9aa5b1}.grid{stroke:#d5dae1}.ray{stroke:#9aa5b1;stroke-dasharray:4 3}
.fetch{fill:#4e9fd8}.hash{fill:#f08a24}.turn{fill:#b9c3cf}.note{fill:#3aa655}.failed{fill:#d43d3d}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.faint{fill:#9aa7b4}.gain{fill:#6cb6ff}
.page{fill:#0d1117}.panel{fill:#161b22}.lens{fill:#0d1117;stroke:#57606a}.grid{stroke:#2d333b}.ray{stroke:#57606a}
.turn{fill:#57606a}}
</style>
)";

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '<')
            out += "&lt;";
        else if (c == '&')
            out += "&amp;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

// What a pointer that rests on a lane is told.
std::string story(const lane& l) {
    std::string text = shortened(as_text(l.name), 200) + "\n" + in_bytes(l.size);
    std::array<double, looks.size()> total{};
    for (const segment& s : l.segments) total[static_cast<std::size_t>(s.what)] += s.end - s.begin;
    for (std::size_t i = 0; i < looks.size(); ++i)
        if (total[i] > 0) text += std::string("\n") + looks[i].word + ": " + in_time(total[i]);
    if (!l.failure.empty()) text += "\nfailed: " + shortened(as_text(l.failure), 200);
    return text;
}

}  // namespace

picture::picture() { out_ << std::fixed << std::setprecision(1); }

void picture::text(double x, double y, int size, const char* anchor, const std::string& what, const char* style) {
    out_ << "<text x='" << x << "' y='" << y << "' font-size='" << size << "' text-anchor='" << anchor << "' class='"
         << style << "'>" << escaped(what) << "</text>\n";
}

void picture::box(const panel& p, const char* style) {
    out_ << "<rect x='" << p.x << "' y='" << p.y << "' width='" << p.w << "' height='" << p.h << "' rx='3' class='"
         << style << "'/>\n";
}

void picture::line(double x1, double y1, double x2, double y2, const char* style) {
    out_ << "<path d='M" << x1 << ' ' << y1 << 'L' << x2 << ' ' << y2 << "' class='" << style << "'/>\n";
}

void picture::side_text(const panel& p, const std::string& what) {
    const double x = p.x - 12;
    const double y = p.y + p.h / 2;
    out_ << "<text x='" << x << "' y='" << y
         << "' font-size='12' text-anchor='middle' class='faint' transform='rotate(-90 " << x << ' ' << y << ")'>"
         << escaped(what) << "</text>\n";
}

void picture::axis(const panel& p) {
    const double rough = p.seconds / p.w * 150;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    const double step = (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10) * power;
    for (int i = 0; i * step <= p.seconds * 1.0001; ++i) {
        const double t = i * step;
        const double x = p.x + t / p.seconds * p.w;
        line(x, p.y, x, p.y + p.h + 5, "grid");
        std::ostringstream label;
        if (p.seconds < 1)
            label << std::round(t * 1e6) / 1e3 << " ms";
        else
            label << std::round(t * 1e3) / 1e3 << " s";
        text(x, p.y + p.h + 19, 12, "middle", label.str(), "faint");
    }
}

void picture::legend(double x, double y, bool failures) {
    const auto entry = [&](const char* style, const std::string& word) {
        box({x, y - 11, 22, 12}, style);
        text(x + 29, y, 13, "start", word);
        x += 66 + 7.4 * static_cast<double>(word.size());
    };
    for (const look& l : looks) entry(l.style, l.word);
    if (failures) entry("failed", "failed");
}

void picture::lanes(const panel& p, const run_record& r) {
    const std::size_t every = (r.lanes.size() + most_lanes - 1) / most_lanes;
    if (every == 0) return;
    const std::size_t drawn = (r.lanes.size() + every - 1) / every;
    const double pitch = p.h / static_cast<double>(std::max<std::size_t>(drawn, 6));
    for (std::size_t i = 0; i < drawn; ++i) {
        const lane& l = r.lanes[i * every];
        const double y = p.y + static_cast<double>(i) * pitch;
        one_lane(p, l, y, pitch > 4 ? pitch - 1.5 : std::max(pitch, 1.5), true);
        if (pitch < 11 || l.segments.empty()) continue;
        const double from = p.x + l.segments.front().begin / p.seconds * p.w;
        const double to = p.x + l.segments.back().end / p.seconds * p.w;
        const bool before = to > p.x + p.w * 0.7;
        text(before ? from - 6 : to + 6, y + pitch / 2 + 3, 11, before ? "end" : "start",
             shortened(as_text(l.name), 60), "faint");
    }
    if (every > 1) text(p.x + p.w, p.y - 8, 12, "end", "one lane of " + std::to_string(every) + " is drawn", "faint");
}

void picture::packed_lanes(const panel& p, const run_record& r) {
    std::vector<const lane*> in_order;
    for (const lane& l : r.lanes)
        if (!l.segments.empty()) in_order.push_back(&l);
    std::sort(in_order.begin(), in_order.end(),
              [](const lane* a, const lane* b) { return a->segments.front().begin < b->segments.front().begin; });
    std::vector<double> free_at;  // per place
    std::vector<std::pair<const lane*, std::size_t>> placed;
    for (const lane* l : in_order) {
        std::size_t place = 0;
        while (place < free_at.size() && free_at[place] > l->segments.front().begin) ++place;
        if (place == free_at.size()) free_at.push_back(0);
        free_at[place] = l->segments.back().end;
        placed.emplace_back(l, place);
    }
    const double pitch = p.h / static_cast<double>(std::max<std::size_t>(free_at.size(), 6));
    for (const auto& [l, place] : placed)
        one_lane(p, *l, p.y + static_cast<double>(place) * pitch, pitch > 4 ? pitch - 1.5 : pitch, false);
}

void picture::one_lane(const panel& p, const lane& l, double y, double thick, bool titled) {
    out_ << "<g>";
    if (titled) out_ << "<title>" << escaped(story(l)) << "</title>";
    bars(p, l, y, thick);
    out_ << "</g>\n";
}

// One path per phase. A part that begins within half a pixel of the last one's end is drawn with it: a large file has
// thousands.
void picture::bars(const panel& p, const lane& l, double y, double thick) {
    const double scale = p.w / p.seconds;
    const auto bar = [&](double from, double to, double thinnest) {
        const double w = std::max(to - from, thinnest);
        out_ << 'M' << p.x + from << ' ' << y << 'h' << w << 'v' << thick << 'h' << -w << 'z';
    };
    for (const phase what : {phase::fetch, phase::hash, phase::wait, phase::insert}) {
        double from = -1;
        double to = -1;
        for (const segment& s : l.segments) {
            if (s.what != what) continue;
            if (from < 0) out_ << "<path class='" << look_of(what).style << "' d='";
            if (from >= 0 && s.begin * scale - to > 0.5) bar(from, to, 0.4);
            if (from < 0 || s.begin * scale - to > 0.5) from = s.begin * scale;
            to = s.end * scale;
        }
        if (from < 0) continue;
        bar(from, to, what == phase::fetch ? 1 : 0.4);
        out_ << "'/>";
    }
    if (l.failure.empty()) return;
    const double at = l.segments.empty() ? l.begin * scale : l.segments.back().end * scale;
    out_ << "<path class='failed' d='";
    bar(at, at, 6);
    out_ << "'/>";
}

void picture::save(const std::filesystem::path& file, double width, double height,
                   const std::string& description) const {
    std::ofstream to(file);
    to << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " << width << ' ' << height << "' width='" << width
       << "' height='" << height << "' font-family='DejaVu Sans, Helvetica, Arial, sans-serif' role='img' aria-label=\""
       << escaped(description) << "\">\n"
       << style_sheet << "<rect width='100%' height='100%' class='page'/>\n"
       << out_.str() << "</svg>\n";
    if (!to.flush())
        throw std::system_error(errno, std::generic_category(),
                                "cannot write the picture " + for_terminal(file.string()));
}
