# SPDX-License-Identifier: BSL-1.0
"""Programs that are measured from outside: how they are started on one core, and what they have used."""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

CORE = min(os.sched_getaffinity(0))  # the one that server and client share


def pin():
    os.sched_setaffinity(0, {CORE})


@dataclass
class Server:
    """Prints its port, the last number of a line, when it listens."""
    name: str
    command: list
    environment: dict = field(default_factory=dict)
    directory: str = None  # where it runs

    @contextlib.contextmanager
    def running(self):
        server = subprocess.Popen([str(word) for word in self.command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, env={**os.environ, **self.environment},
                                  cwd=self.directory, preexec_fn=pin)
        try:
            for line in server.stdout:
                if found := re.search(r"(\d+)$", line.strip()):
                    yield server.pid, int(found[1])
                    return
            raise OSError(f"{self.name} ended without a port")
        finally:
            server.kill()
            server.communicate()


def there(servers):
    """Those that were built; the others are named."""
    found = [s for s in servers if pathlib.Path(s.command[0]).exists()]
    for s in servers:
        if s not in found:
            print(f"left out: {s.name}: there is no {s.command[0]}")
    return found


def cpu_seconds(pid):
    """Of all its threads, those that the kernel made for it too, and of its children."""
    threads = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
    children = {child for thread in threads for child in (thread / "children").read_text().split()}
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9 + sum(map(cpu_seconds, children))


def resident_bytes(pid):
    return int(re.search(r"VmRSS:\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) * 1024


def client(*command):
    """What it prints, as numbers."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, preexec_fn=pin,
                          timeout=120)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()}")
    return [float(word) for word in done.stdout.split()]


def of_each(servers, measure):
    """(who, figures); a server that fails is named, and the others go on."""
    for server in servers:
        try:
            yield server.name, measure(server)
        except (OSError, ValueError, subprocess.TimeoutExpired) as why:
            print(f"\nbench: {server.name}: {why}", file=sys.stderr)
