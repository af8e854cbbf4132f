# SPDX-License-Identifier: BSL-1.0
"""The rows of many small connections: echo, accept, idle. Their servers are the same programs."""
import os
import resource
import subprocess

from servers import Server, client, cpu_seconds, of_each, pin, resident_bytes, there


def servers(build, peers):
    uring, epoll = {"BIDE_DRIVER": "io_uring"}, {"BIDE_DRIVER": "epoll"}
    ours = [Server("bide-uring", [build / "echo_bide"], uring), Server("bide-epoll", [build / "echo_bide"], epoll),
            Server("raw-uring", [build / "echo_raw_uring"]), Server("raw-epoll", [build / "echo_raw_epoll"]),
            Server("asio", [build / "echo_asio"]), Server("asio-callbacks", [build / "echo_asio", "callbacks"])]
    return there(ours) + [Server(p.name, p.echo) for p in peers]


class Row:
    SECONDS, WARM = 1.0, 0.2

    def __init__(self, build, all_servers, number):
        self.build, self.number = build, number
        self.name = f"{self.family}_{number}"
        self.servers = [s for s in all_servers if s.name not in self.without]
        self.bars = []

    without = ()

    def measure(self, turn):
        return of_each(self.servers, lambda server: self.one(server, turn))


class Echo(Row):
    family, unit = "echo", "µs"
    about = "µs of the server's processor per request"
    columns = {"cpu": ("CPU µs", ",.2f"), "rate": ("requests/s", ",.0f"), "p50": ("p50 µs", ",.1f"),
               "p99": ("p99 µs", ",.1f"), "calls": ("sys. calls", ".2f")}

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.bars = [("bide-uring", "raw-uring", 1.06 if self.number == 1 else 1.08),
                     ("bide-epoll", "raw-epoll", 1.06), ("bide-epoll", "asio-callbacks", 0.95)]
        if self.number > 1:
            self.bars += [("bide-uring", "asio", 0.76), ("bide-uring", "tokio", 0.87)]

    def load(self, port, seconds):
        return client(self.build / "echo_client", port, self.number, seconds)

    def one(self, server, turn):
        with server.running() as (pid, port):
            self.load(port, self.WARM)
            before = cpu_seconds(pid)
            requests, took, p50, p99 = self.load(port, self.SECONDS)
            cpu = cpu_seconds(pid) - before
            calls = self.system_calls(pid, port) if turn == 0 else None
        return {"cpu": 1e6 * cpu / requests, "rate": requests / took, "p50": p50, "p99": p99, "calls": calls}

    def system_calls(self, pid, port):
        """Per request; None where perf may not count them. Perf runs the client, and ends with it."""
        command = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", str(pid), "--",
                   self.build / "echo_client", str(port), str(self.number), "0.3"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=pin)
            return int(done.stderr.split(",")[0]) / float(done.stdout.split()[0])
        except (OSError, ValueError, subprocess.CalledProcessError):
            return None


class Accept(Row):
    family, unit = "accept", "µs"
    about = "µs of the server's processor per connection that is opened and closed"
    columns = {"cpu": ("CPU µs", ",.2f"), "rate": ("conn./s", ",.0f")}
    without = ("asio-callbacks", "asyncio", "uvloop")

    def one(self, server, _):
        with server.running() as (pid, port):
            client(self.build / "accept_client", port, self.number, self.WARM)
            before = cpu_seconds(pid)
            connections, took = client(self.build / "accept_client", port, self.number, self.SECONDS)
            cpu = cpu_seconds(pid) - before
        return {"cpu": 1e6 * cpu / connections, "rate": connections / took}


class Idle(Row):
    family, unit = "idle", "bytes"
    about = "bytes of the server's resident memory per connection that has sent once and is silent"
    columns = {"bytes": ("bytes", ",.0f")}
    without = ("raw-uring", "raw-epoll", "asyncio", "uvloop")

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.bars = [("bide-uring", "asio", 0.5), ("bide-epoll", "asio", 0.5)]

    def one(self, server, _):
        with server.running() as (pid, port):
            client(self.build / "echo_client", port, 1, self.WARM)
            before = resident_bytes(pid)
            crowd = subprocess.Popen([self.build / "echo_client", str(port), str(self.number), "0"], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, preexec_fn=pin)
            try:
                if not crowd.stdout.readline():
                    raise OSError("the client ended")
                return {"bytes": (resident_bytes(pid) - before) / self.number}
            finally:
                crowd.kill()
                crowd.communicate()


def rows(build, peers):
    """The rows, and the order in which the servers are told."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the servers inherit it
    crowd = 10_000 if hard == resource.RLIM_INFINITY else min(10_000, hard - 100)
    if crowd < 10_000:
        print(f"idle: {crowd} connections instead of 10 000: a process may have {hard} descriptors (ulimit -Hn)")
    every = servers(build, peers)
    found = [Echo(build, every, n) for n in (1, 50, 500)] + [Accept(build, every, n) for n in (1, 100)]
    return [*found, Idle(build, every, crowd)], [s.name for s in every]
