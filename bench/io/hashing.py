# SPDX-License-Identifier: BSL-1.0
"""The row of a tree of files and their hashes: the example hash_tree beside two processes at once: of sha256sum, and of a
program that hashes with the example's own code."""
import os
import random
import shutil
import subprocess
import sys
import time

FILES = 2000
FIND = 'find "$0" -type f -print0 | xargs -0 -n 16 -P 2 "$1"'  # so few that a line is written in one piece


class Hashing:
    name, unit = "hash_tree", "s"
    about = f"seconds for the SHA-256 of {FILES} files of 1 KiB to 8 MiB that are in the cache, on all processors"
    columns = {"wall": ("seconds", ".3f"), "cpu": ("CPU s", ".3f")}
    bars = ()

    def __init__(self, build, scratch):
        self.directory = scratch / "tree"
        tree = str(self.directory)
        ours = [str(build / "hash_tree"), tree]
        self.sides = {"bide-uring": (ours, {"BIDE_DRIVER": "io_uring"}), "bide-epoll": (ours, {"BIDE_DRIVER": "epoll"}),
                      "sha256sum": (["sh", "-c", FIND, tree, "sha256sum"], {}),
                      "same code": (["sh", "-c", FIND, tree, str(build / "hash_files")], {})}

    def measure(self, turn):
        if turn == 0:
            self.make_tree()
        expected = None
        for who in reversed(self.sides):
            command, environment = self.sides[who]
            out, figures = timed(command, environment)
            lines = sorted(out.splitlines())
            expected = expected or lines
            if len(lines) != FILES or lines != expected:
                print(f"\nbench: {who} says something else of the tree", file=sys.stderr)
                continue
            yield who, figures

    def make_tree(self):
        """The same one each time: as many files of a size as of twice that size."""
        shutil.rmtree(self.directory, ignore_errors=True)
        chance = random.Random(1)
        content = chance.randbytes(8 << 20)
        for i in range(FILES):
            folder = self.directory / str(i % 50)
            folder.mkdir(parents=True, exist_ok=True)
            size = int(1024 * 8192 ** chance.random())
            begin = chance.randrange(len(content) - size + 1)
            (folder / str(i)).write_bytes(content[begin:begin + size])
        os.sync()  # or it would be written while something is measured


def timed(command, environment):
    """What it prints, and its seconds, also of its children."""
    begin, before = time.monotonic(), os.times()
    out = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False).stdout
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return out, {"wall": time.monotonic() - begin, "cpu": cpu}


def rows(build, scratch):
    return [Hashing(build, scratch)], ["same code", "sha256sum"]
