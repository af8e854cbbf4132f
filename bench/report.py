# SPDX-License-Identifier: BSL-1.0
"""What both halves of the bench do with their figures: the table, the verdicts, JSON and the picture."""
import json
import os
import statistics
import sys

import picture


def summary(rounds):
    """Of [{column: value}], a dictionary a round: the first column is what counts, of the others the median is told."""
    first, *others = rounds[0]
    values = [r[first] for r in rounds]
    middle = statistics.median(values)
    found = {"median": middle, "spread": (max(values) - min(values)) / 2 / middle if middle else 0.0, "values": values}
    for column in others:
        told = [r[column] for r in rounds if r.get(column) is not None]
        found[column] = statistics.median(told) if told else None
    return found


class Report:
    """Runs rows in turns. A row has: name, unit, about, columns {name: (heading, format)}, bars [(side, peer, ratio)], and
    measure(turn), which gives (who, {column: value}) for each."""

    def __init__(self, rows, order, rounds):
        self.rows, self.order, self.rounds = rows, order, rounds
        self.results = {}
        self.kept = self.missed = 0

    def run(self):
        figures = {row.name: {} for row in self.rows}
        for turn in range(self.rounds):
            for row in self.rows:
                print(f"\rround {turn + 1} of {self.rounds}: {row.name:<24}", end="", file=sys.stderr, flush=True)
                for who, values in row.measure(turn):
                    figures[row.name].setdefault(who, []).append(values)
        print("\r" + " " * 50 + "\r", end="", file=sys.stderr)
        self.results = {name: {who: summary(rounds) for who, rounds in sides.items()} for name, sides in figures.items()}

    def show(self):
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; medians of {self.rounds}, spread in %")
        for row in self.rows:
            cells = self.results[row.name]
            first, *others = row.columns
            print(f"\n{row.name} ({row.about or row.unit})")
            if others:
                headings = [row.columns[c][0] for c in others]
                print(f"  {'':<14} {row.columns[first][0]:>12}       " + " ".join(f"{h:>10}" for h in headings))
            for who in self.order:
                if who in cells:
                    print(f"  {who:<14} {cells[who]['median']:>12{row.columns[first][1]}}  ±{100 * cells[who]['spread']:<3.0f}"
                          + "".join(f" {self.cell(cells[who][c], row.columns[c][1]):>10}" for c in others))
            for side, peer, bar in row.bars:
                if side in cells and peer in cells and cells[peer]["median"]:
                    ratio = cells[side]["median"] / cells[peer]["median"]
                    kept = ratio <= bar
                    self.kept, self.missed = self.kept + kept, self.missed + (not kept)
                    print(f"  {side} / {peer}: {ratio:.3f}, aimed at {bar:.2f}: {'kept' if kept else 'NOT KEPT'}")

    @staticmethod
    def cell(value, form):
        return "-" if value is None else format(value, form)

    def write(self, out, name):
        (out / f"{name}.json").write_text(json.dumps(self.results, indent=1), encoding="utf-8")
        (out / f"{name}.svg").write_text(picture.draw(self.rows, self.results, self.order), encoding="utf-8")
        print(f"\nratios: {self.kept} kept, {self.missed} not kept")
        print(f"all figures: {out / name}.json; the picture: {out / name}.svg")
