// SPDX-License-Identifier: BSL-1.0
#include "timeline.hpp"

#include "report.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <sstream>
#include <system_error>

namespace {

constexpr double width = 1280;
constexpr double left = 64;  // of the panels
constexpr double right = width - 36;
constexpr double panel_height = 330;
constexpr std::size_t most_lanes = 1200;  // more could not be told apart

struct look {
    const char* colour;
    const char* word;
};
constexpr std::array<look, 4> looks{{{"#4e9fd8", "fetch (waits for the server)"},
                                     {"#f08a24", "hash (on a thread)"},
                                     {"#c4ccd6", "wait for the database"},
                                     {"#3aa655", "insert (on a thread)"}}};

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
        else if (static_cast<unsigned char>(c) < 32)
            out += '?';
        else
            out += c;
    }
    return out;
}

[[noreturn]] void refuse(const std::filesystem::path& file) {
    throw std::system_error(errno, std::generic_category(), "cannot write the picture " + file.string());
}

struct panel {
    double x = left;
    double y = 0;
    double w = right - left;
    double h = panel_height;
    double seconds = 1;  // that w stands for
};

class picture {
public:
    void text(double x, double y, int size, const char* anchor, const std::string& what, const char* more = "") {
        out_ << "<text x='" << x << "' y='" << y << "' font-size='" << size << "' text-anchor='" << anchor << "' "
             << more << '>' << escaped(what) << "</text>\n";
    }
    void box(const panel& p, const char* fill, const char* more = "") {
        out_ << "<rect x='" << p.x << "' y='" << p.y << "' width='" << p.w << "' height='" << p.h << "' fill='" << fill
             << "' " << more << "/>\n";
    }
    void line(double x1, double y1, double x2, double y2, const char* more) {
        out_ << "<line x1='" << x1 << "' y1='" << y1 << "' x2='" << x2 << "' y2='" << y2 << "' " << more << "/>\n";
    }

    // Time below the panel, in steps of 1, 2 or 5 of something.
    void axis(const panel& p) {
        const double rough = p.seconds / 7;
        const double power = std::pow(10, std::floor(std::log10(rough)));
        const double step = (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10) * power;
        for (double t = 0; t <= p.seconds * 1.0001; t += step) {
            const double x = p.x + t / p.seconds * p.w;
            line(x, p.y, x, p.y + p.h + 5, "stroke='#d5dae1'");
            std::ostringstream label;
            if (p.seconds < 1)
                label << std::round(t * 1e6) / 1e3 << " ms";
            else
                label << std::round(t * 1e3) / 1e3 << " s";
            text(x, p.y + p.h + 19, 12, "middle", label.str(), "fill='#56616f'");
        }
    }

    // One lane per file; `every`: only each so many-th is drawn.
    void lanes(const panel& p, const run_record& r) {
        const std::size_t every = (r.lanes.size() + most_lanes - 1) / most_lanes;
        if (every == 0) return;
        const std::size_t drawn = (r.lanes.size() + every - 1) / every;
        const double pitch = p.h / static_cast<double>(std::max<std::size_t>(drawn, 12));
        for (std::size_t i = 0; i < drawn; ++i) {
            const lane& l = r.lanes[i * every];
            const double y = p.y + static_cast<double>(i) * pitch;
            one_lane(p, l, y, pitch > 4 ? pitch - 1.5 : std::max(pitch, 1.5), 1.5);
            if (pitch < 11 || l.segments.empty()) continue;
            const double from = p.x + l.segments.front().begin / p.seconds * p.w;
            const double to = p.x + l.segments.back().end / p.seconds * p.w;
            const bool before = to > p.x + p.w * 0.7;
            text(before ? from - 6 : to + 6, y + pitch / 2 + 3, 11, before ? "end" : "start", l.name, "fill='#3a4350'");
        }
        if (every > 1)
            text(p.x + p.w, p.y - 8, 12, "end", "one lane of " + std::to_string(every) + " is drawn", "fill='#56616f'");
    }

    // As few lanes as were busy at the same time, each with the files that followed one another there.
    void packed_lanes(const panel& p, const run_record& r) {
        std::vector<double> free_at;  // per place
        std::vector<std::pair<const lane*, std::size_t>> placed;
        std::vector<const lane*> in_order;
        for (const lane& l : r.lanes)
            if (!l.segments.empty()) in_order.push_back(&l);
        std::sort(in_order.begin(), in_order.end(),
                  [](const lane* a, const lane* b) { return a->segments.front().begin < b->segments.front().begin; });
        for (const lane* l : in_order) {
            std::size_t place = 0;
            while (place < free_at.size() && free_at[place] > l->segments.front().begin) ++place;
            if (place == free_at.size()) free_at.push_back(0);
            free_at[place] = l->segments.back().end;
            placed.emplace_back(l, place);
        }
        const double pitch = p.h / static_cast<double>(std::max<std::size_t>(free_at.size(), 6));
        for (const auto& [l, place] : placed)
            one_lane(p, *l, p.y + static_cast<double>(place) * pitch, pitch > 4 ? pitch - 1.5 : pitch, 0.8);
    }

    void legend(double y) {
        double x = left;
        for (const look& l : looks) {
            out_ << "<rect x='" << x << "' y='" << y - 11 << "' width='22' height='12' rx='2' fill='" << l.colour
                 << "'/>\n";
            text(x + 29, y, 14, "start", l.word);
            x += 250;
        }
    }

    void save(const std::filesystem::path& file, double height) const {
        std::ofstream to(file);
        to << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " << width << ' ' << height << "' width='" << width
           << "' height='" << height << "' font-family='DejaVu Sans, Helvetica, Arial, sans-serif' fill='#1f2933'>\n"
           << "<rect width='100%' height='100%' fill='#ffffff'/>\n"
           << out_.str() << "</svg>\n";
        if (!to.flush()) refuse(file);
    }

private:
    void one_lane(const panel& p, const lane& l, double y, double thick, double thinnest) {
        out_ << "<g><title>" << escaped(l.name) << "\n" << in_bytes(l.size);
        for (const segment& s : l.segments)
            out_ << "\n" << looks[static_cast<std::size_t>(s.what)].word << ": " << in_time(s.end - s.begin);
        out_ << "</title>";
        for (const segment& s : l.segments)
            out_ << "<rect x='" << p.x + s.begin / p.seconds * p.w << "' y='" << y << "' width='"
                 << std::max((s.end - s.begin) / p.seconds * p.w - 0.4, s.what == phase::fetch ? thinnest : 0.4)
                 << "' height='" << thick << "' fill='" << looks[static_cast<std::size_t>(s.what)].colour << "'/>";
        out_ << "</g>\n";
    }

    std::ostringstream out_;
};

}  // namespace

void check_writable(const std::filesystem::path& file) {
    if (!std::ofstream(file, std::ios::app)) refuse(file);
}

void draw(const std::filesystem::path& file, const run_record& before, const run_record& after) {
    picture p;
    std::ostringstream speed_up;
    speed_up.precision(3);
    speed_up << (after.seconds > 0 ? before.seconds / after.seconds : 1) << " times as fast";
    p.text(left, 44, 24, "start", std::to_string(before.lanes.size()) + " files: fetched, hashed, noted",
           "font-weight='bold'");
    p.text(right, 44, 24, "end", speed_up.str(), "font-weight='bold' fill='#1667a8'");
    p.legend(76);

    const double scale = std::max({before.seconds, after.seconds, 1e-6});
    double y = 122;
    const auto big_panel = [&](const run_record& r) {
        const panel at{left, y, right - left, panel_height, scale};
        p.text(at.x, y - 8, 15, "start", r.title + ": " + in_time(r.seconds), "font-weight='bold'");
        p.box(at, "#f6f8fa");
        p.axis(at);
        p.lanes(at, r);
        p.text(left - 14, y + at.h / 2, 12, "middle", "one lane per file",
               ("fill='#56616f' transform='rotate(-90 " + std::to_string(left - 14) + ' ' +
                std::to_string(y + at.h / 2) + ")'")
                   .c_str());
        y += at.h + 66;
        return at;
    };
    big_panel(before);
    const panel second = big_panel(after);

    const double end = second.x + after.seconds / scale * second.w;
    const double room = right - end;
    if (room > (right - left) * 0.55 &&
        after.lanes.size() > 24) {  // the second run magnified, in the room that it leaves
        const panel lens{end + 84, second.y + 32, room - 84 - 30, second.h - 72, std::max(after.seconds, 1e-6)};
        p.line(end, second.y, lens.x - 24, lens.y - 26, "stroke='#9aa5b1' stroke-dasharray='4 3'");
        p.line(end, second.y + second.h, lens.x - 24, lens.y + lens.h + 30, "stroke='#9aa5b1' stroke-dasharray='4 3'");
        p.box({lens.x - 24, lens.y - 26, lens.w + 48, lens.h + 56, 1}, "#ffffff", "stroke='#9aa5b1' rx='4'");
        p.axis(lens);
        const bool packed = after.lanes.size() <= 4 * most_lanes;
        if (packed)
            p.packed_lanes(lens, after);
        else
            p.lanes(lens, after);
        p.text(lens.x, lens.y - 8, 13, "start",
               packed ? "the same, magnified: what was under way at the same time" : "the same, magnified",
               "fill='#56616f'");
    }
    p.save(file, y - 22);
}
