// SPDX-License-Identifier: BSL-1.0
// An SVG picture with time to the right: text, axes, and the lanes of a run. Colours are classes, for light and dark.
#pragma once

#include "timeline.hpp"

#include <sstream>
#include <string>
#include <vector>

/// Where a stretch of time is drawn.
struct panel {
    double x = 0;
    double y = 0;
    double w = 0;
    double h = 0;
    double seconds = 1;  // that w stands for
};

class picture {
public:
    picture();

    /// `style`: classes of the style sheet. `anchor`: start, middle or end.
    void text(double x, double y, int size, const char* anchor, const std::string& what, const char* style = "");
    void box(const panel& p, const char* style);
    void line(double x1, double y1, double x2, double y2, const char* style);
    /// Upwards, to the left of the panel.
    void side_text(const panel& p, const std::string& what);
    /// Time below the panel, in steps of 1, 2 or 5 of something, and lines up from it.
    void axis(const panel& p);
    void legend(double x, double y, bool failures);

    /// A lane per file, or for every so many-th where they could not be told apart.
    void lanes(const panel& p, const run_record& r);
    /// As few lanes as were busy at the same time, each with the files that followed one another there.
    void packed_lanes(const panel& p, const run_record& r);

    /// Throws std::system_error.
    void save(const std::filesystem::path& file, double width, double height, const std::string& description) const;

private:
    void one_lane(const panel& p, const lane& l, double y, double thick, bool titled);
    void bars(const panel& p, const lane& l, double y, double thick);

    std::ostringstream out_;
};
