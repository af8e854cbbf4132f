# SPDX-License-Identifier: BSL-1.0
"""The rows of the table, and what is aimed at in each."""
from dataclasses import dataclass, field


@dataclass
class Row:
    name: str
    n: int  # how often a peer's program does it
    clock: str = "cpu"  # "wall" for what crosses threads
    pin: bool = False  # on one processor only
    source: str = ""  # the row of the programs, where it is not the name
    unit: str = "ns"
    bars: dict = field(default_factory=dict)  # (compiler or "", peer) -> the ratio that bide is to stay below

    @property
    def row(self):
        return self.source or self.name


def both(peer, ratio):
    return {("", peer): ratio}


ROWS = [
    Row("wait_ready", 1_000_000, bars=both("tokio", 0.5)),
    Row("await_ready", 1_000_000, bars={("clang", "asio"): 0.27, ("gcc", "asio"): 0.42}),
    Row("yield", 1_000_000, bars={("", "go"): 0.15, ("", "tokio"): 0.05}),
    Row("start_join", 1_000_000, bars=both("tokio", 0.12)),
    Row("mutex_free", 1_000_000, bars=both("go", 1.1)),
    Row("mutex_free_local", 1_000_000),
    Row("mutex_handed", 300_000, bars=both("go", 0.08)),
    Row("channel_64", 1_000_000, bars=both("go", 0.3)),
    Row("channel_64_local", 1_000_000),
    Row("channel_1", 300_000, bars=both("go", 0.15)),
    Row("channel_threads", 300_000, clock="wall", bars={("", "go"): 0.5, ("", "asio"): 0.05}),
    Row("to_thread_one_core", 20_000, clock="wall", pin=True, source="to_thread", bars=both("tokio", 0.8)),
    Row("to_thread", 20_000, clock="wall", bars=both("tokio", 0.5)),
    Row("future_wait_one_core", 20_000, clock="wall", pin=True, source="future_wait", bars=both("futex", 1.2)),
    Row("future_wait", 20_000, clock="wall", bars=both("asio", 0.3)),
    Row("post", 100_000, clock="wall"),
    Row("timer_cancel", 1_000_000),
    Row("sleepers", 1_000_000, bars=both("tokio", 0.65)),
    Row("sleepers_bytes", 1_000_000, source="sleepers", clock="bytes", unit="bytes", bars=both("tokio", 0.36)),
    Row("scope_cancel", 1_000_000),
    Row("fork_fib_1", 1, clock="wall", bars={("clang", "tbb"): 0.18, ("gcc", "tbb"): 0.23}),
    Row("fork_fib_2", 1, clock="wall", bars={("clang", "tbb"): 0.18, ("gcc", "tbb"): 0.23}),
    Row("nqueens", 1, clock="wall", bars=both("tbb", 0.58)),
    Row("skynet", 1, clock="wall", bars=both("tbb", 0.27)),
    Row("matmul", 1, clock="wall", bars=both("tbb", 0.70)),
]
