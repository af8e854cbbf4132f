# SPDX-License-Identifier: BSL-1.0
"""The table as a picture: a group of bars for each row, bide's in colour. The scale is logarithmic and the same in all
rows: so much longer is so many times as much, wherever one looks."""
import html
import math

BAR, GAP, LABEL, WIDTH = 13, 14, 250, 500
SHORTEST = 30  # the least of a row
COLOURS = {"bide gcc": "#0b7a75", "bide clang": "#19a974", "bide-uring": "#0b7a75", "bide-epoll": "#19a974"}
OTHER = "#9aa5b1"


def number(value, unit):
    if unit == "ns" and value >= 1e9:
        return f"{value / 1e9:.3g} s"
    if unit == "ns" and value >= 1e6:
        return f"{value / 1e6:.3g} ms"
    if unit == "ns" and value >= 1e4:
        return f"{value / 1e3:.3g} µs"
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"


def draw(rows, results, order):
    groups = []
    for row in rows:
        cells = [(who, results[row.name][who]["median"]) for who in order if who in results[row.name]]
        cells = [(who, value) for who, value in cells if value > 0]
        if cells:
            groups.append((row, cells, min(value for _, value in cells)))
    most_times = max((value / least for _, cells, least in groups for _, value in cells), default=1)
    times_ten = (WIDTH - SHORTEST) / max(math.log10(most_times), 1)
    twice = times_ten * math.log10(2)
    parts = []
    y = 56
    for row, cells, least in groups:
        parts.append(f'<text class="row" x="12" y="{y + 11}">{html.escape(row.name)}</text>')
        for who, value in cells:
            width = SHORTEST + times_ten * math.log10(value / least)
            parts.append(
                f'<g><title>{html.escape(f"{row.name}, {who}: {number(value, row.unit)}")}</title>'
                f'<text class="who" x="{LABEL - 6}" y="{y + 10}">{html.escape(who)}</text>'
                f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR - 2}" rx="2" fill="{COLOURS.get(who, OTHER)}"/>'
                f'<text class="value" x="{LABEL + width + 5:.1f}" y="{y + 10}">{number(value, row.unit)}</text></g>')
            y += BAR
        y += GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LABEL + WIDTH + 110} {y + 10}" font-family="sans-serif">'
        "<style>.row{font-size:12px;font-weight:bold}.who{font-size:10px;text-anchor:end}.value{font-size:10px}"
        "text{fill:#1f2933}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/><text x="12" y="24" font-size="16" font-weight="bold">'
        "bide beside its peers</text>"
        '<text x="12" y="42" font-size="11">shorter is better; medians of one interleaved run</text>'
        f'<text class="who" x="{LABEL + WIDTH + 94 - twice:.1f}" y="42">in every row, twice as much is longer by</text>'
        f'<rect x="{LABEL + WIDTH + 100 - twice:.1f}" y="33" width="{twice:.1f}" height="{BAR - 2}" rx="2" fill="{OTHER}"/>'
        + "".join(parts) + "</svg>\n")
