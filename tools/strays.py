# SPDX-License-Identifier: BSL-1.0
"""Which functions are not at home? What x.hpp declares is defined in x.cpp of the same wing. For tools/check-layers.

Universal Ctags finds declarations and definitions. A function is known by its scope and name: overloads of one name count
as one, and a name that two headers declare is at home in the source of either.
"""
import json
import pathlib
import shutil
import subprocess

ROOT_SCOPE = "bide::v0"


def tags_of(files):
    """(file, line, qualified name, is it a definition) of every function, out of Universal Ctags."""
    command = ["ctags", "--options=NONE", "--output-format=json", "--languages=C++", "--kinds-C++=pf"]
    command += ["--fields=NFKsnS", "-f", "-", *map(str, files)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        tag = json.loads(line)
        if tag.get("_type") != "tag":
            continue
        scope = tag.get("scope", "")
        if "__anon" in scope or not (scope + "::").startswith(ROOT_SCOPE + "::"):
            continue
        yield tag["path"], tag["line"], (scope + "::" + tag["name"])[len(ROOT_SCOPE) + 2 :], tag["kind"] == "function"


def available():
    return shutil.which("ctags") is not None


def strays_of(root, home):
    """[(name, file, line of its definition, {headers that declare it})] of the functions that are not at home.
    `home` maps a header's path (from root) to the path of the source that belongs to it."""
    root = pathlib.Path(root)
    headers = [p for folder in ("include", "src") for p in sorted((root / folder).rglob("*.hpp"))]
    sources = sorted((root / "src").rglob("*.cpp"))
    if not headers or not sources:
        return [], 0
    declared = {}
    in_a_header = set()
    for path, _, name, defined in tags_of(headers):
        if defined:
            in_a_header.add(name)
        else:
            declared.setdefault(name, set()).add(pathlib.Path(path).relative_to(root).as_posix())
    strays, counted = [], 0
    for path, line, name, defined in tags_of(sources):
        if not defined or name not in declared:
            continue
        counted += 1
        source = pathlib.Path(path).relative_to(root).as_posix()
        if all(home(header) != source for header in declared[name]):
            strays.append((name, source, line, declared[name]))
    return strays, counted
