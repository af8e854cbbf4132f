# SPDX-License-Identifier: BSL-1.0
"""Builds the programs of bench/peers: those whose compiler or interpreter is there. The others are named."""
import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass

SOURCE = pathlib.Path(__file__).resolve().parent / "peers"
PYTHON = "/usr/bin/python3"  # Debian's, which knows Debian's modules


@dataclass
class Built:
    """A peer: how its rows and its echo server are called; None where it has no such program."""
    name: str
    rows: list = None
    echo: list = None


def recipes(scratch):
    """(name, tool, Debian's packages, build steps, where, rows, echo server)"""
    crates = "/usr/share/cargo/registry"
    cxx = shutil.which("g++") or shutil.which("c++")
    flags = ["-std=c++20", "-O2"]
    return [
        ("go", "go", "golang-go",
         [["go", "build", "-o", scratch / "go_rows", "."], ["go", "build", "-o", scratch / "go_echo", "./echo"]],
         SOURCE / "go", [scratch / "go_rows"], [scratch / "go_echo"]),
        ("tokio", "cargo", "cargo librust-tokio+full-dev",
         [["cargo", "build", "--release", "--offline", "--target-dir", scratch / "tokio",
           "--config", 'source.crates-io.replace-with="debian"', "--config", f'source.debian.directory="{crates}"']],
         SOURCE / "tokio", [scratch / "tokio/release/rows"], [scratch / "tokio/release/echo"]),
        ("libuv", cxx, "libuv1-dev",
         [[cxx, *flags, "uv.cpp", "-o", scratch / "uv_rows", "-luv", "-pthread"],
          [cxx, *flags, "uv_echo.cpp", "-o", scratch / "uv_echo", "-luv"]],
         SOURCE, [scratch / "uv_rows"], [scratch / "uv_echo"]),
        ("futex", cxx, "g++", [[cxx, *flags, "futex.cpp", "-o", scratch / "futex_rows", "-pthread"]],
         SOURCE, [scratch / "futex_rows"], None),
        ("asyncio", PYTHON, "python3", [], SOURCE, [PYTHON, SOURCE / "asyncio_rows.py"], [PYTHON, SOURCE / "asyncio_echo.py"]),
        ("uvloop", PYTHON, "python3-uvloop", [[PYTHON, "-c", "import uvloop"]], SOURCE,
         [PYTHON, SOURCE / "asyncio_rows.py", "--uvloop"], [PYTHON, SOURCE / "asyncio_echo.py", "--uvloop"]),
        ("node", "node", "nodejs", [], SOURCE, ["node", SOURCE / "node_rows.mjs"], None),
    ]


def build(scratch, without):
    """The peers that are there, and a line for each that is not."""
    found, missing = [], []
    # Debian's compilers, which know Debian's crates, before others.
    environment = {**os.environ, "PATH": "/usr/bin:" + os.environ["PATH"], "GOFLAGS": "-mod=mod",
                   "GOCACHE": str(scratch / "go_cache")}
    for name, tool, packages, steps, where, rows, echo in recipes(scratch):
        if name in without:
            continue
        try:
            if tool is None or shutil.which(tool) is None:
                raise OSError(f"there is no {tool}")
            for step in steps:
                subprocess.run([str(word) for word in step], cwd=where, env=environment, capture_output=True, check=True)
            found.append(Built(name, rows and [str(word) for word in rows], echo and [str(word) for word in echo]))
        except (OSError, subprocess.CalledProcessError) as why:
            detail = (getattr(why, "stderr", b"") or b"").decode(errors="replace").strip().splitlines()
            missing.append(f"left out: {name} (Debian: {packages}): {detail[-1] if detail else why}")
    return found, missing
