# SPDX-License-Identifier: BSL-1.0
"""The rows of tasks, threads and forks: bide_bench of each compiler, and the peers' programs (rows.py has the list)."""
import json
import os
import pathlib
import subprocess
import sys

from rows import ROWS


class Peer:
    """A program of bench/peers."""

    def __init__(self, name, command):
        self.name = name
        self.command = command
        listed = subprocess.run([*command, "--rows"], capture_output=True, text=True, check=True).stdout
        self.rows = set(listed.split())

    def measure(self, row):
        if row.row not in self.rows:
            return {}
        out = run([*self.command, row.row, str(row.n)], row.pin)
        if out is None:
            return {}
        first, second = (float(word) for word in out.split())
        if row.row == "sleepers":
            return {self.name: first if row.clock == "bytes" else second}
        return {self.name: first if row.clock == "wall" else second}


class Cpp:
    """bide_bench of one compiler: bide, and beside it Asio and TBB, which are compared with the bide of their compiler."""
    beside = ("asio", "tbb")

    def __init__(self, compiler, tree, scratch):
        self.compiler = compiler
        self.name = self.called("bide")
        self.program = pathlib.Path(tree) / "bench" / "bide_bench"
        self.out = scratch / f"{compiler}.json"
        if not self.program.exists():
            sys.exit(f"bench: there is no {self.program}; ./run bench builds it")

    def called(self, who):
        return f"{who} {self.compiler}"

    def measure(self, row):
        if run([str(self.program), f"--benchmark_filter=^{row.row}/", "--benchmark_min_time=0.1",
                f"--benchmark_out={self.out}", "--benchmark_out_format=json"], row.pin) is None:
            return {}
        found = {}
        text = self.out.read_text(encoding="utf-8")
        for result in json.loads(text)["benchmarks"] if text.strip() else []:
            name = result["run_name"].split("/")
            if name[0] != row.row or result.get("error_occurred"):
                continue
            if row.clock == "bytes":
                value = result.get("bytes")
            elif "manual_time" in name or row.clock == "wall":
                value = result["real_time"]
            else:
                value = result["cpu_time"]
            if value is not None:
                found[self.called(name[1])] = value
        return found


def run(command, pin):
    if pin:
        command = ["taskset", "-c", str(min(os.sched_getaffinity(0))), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        print(f"bench: {' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    return done.stdout


class CoreRow:
    """One of rows.py's with those who do it."""
    columns = {"value": ("", ",.1f")}

    def __init__(self, row, sides):
        self.row, self.sides = row, sides
        self.name, self.unit = row.name, row.unit
        self.about = f"{row.unit}{', one processor' if row.pin else ''}"
        self.bars = [(side.name, side.called(peer) if peer in Cpp.beside else peer, bar)
                     for side in sides if isinstance(side, Cpp) for (compiler, peer), bar in row.bars.items()
                     if compiler in ("", side.compiler)]

    def measure(self, _):
        for side in self.sides:
            for who, value in side.measure(self.row).items():
                yield who, {"value": value}


def rows(trees, peers, scratch):
    """The rows, and the order in which they are told."""
    cpp = [Cpp(compiler, tree, scratch) for compiler, tree in trees]
    others = [Peer(p.name, p.rows) for p in peers]
    return ([CoreRow(row, [*cpp, *others]) for row in ROWS],
            [side.called(who) for who in ("bide", *Cpp.beside) for side in cpp] + [p.name for p in others])
