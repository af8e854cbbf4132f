#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The rows in Python: asyncio_rows.py [--uvloop] ROW N, or [--uvloop] --rows."""
import asyncio
import os
import sys
import threading
import time

new_loop = asyncio.new_event_loop
if "--uvloop" in sys.argv:
    sys.argv.remove("--uvloop")
    import uvloop
    new_loop = uvloop.new_event_loop


def run(coroutine):
    loop = new_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def answer():
    return 1


async def nothing():
    pass


def wait_ready(n):
    loop = new_loop()
    for _ in range(n):
        loop.run_until_complete(answer())
    loop.close()


def await_ready(n):
    async def awaits():
        for _ in range(n):
            await answer()
    run(awaits())


def yield_(n):
    async def one():
        for _ in range(n // 2):
            await asyncio.sleep(0)

    async def both():
        await asyncio.gather(one(), one())
    run(both())


def start_join(n):
    async def batches():
        for _ in range(n // 100):
            await asyncio.gather(*(asyncio.create_task(nothing()) for _ in range(100)))
    run(batches())


def mutex_free(n):
    async def locks():
        m = asyncio.Lock()
        for _ in range(n):
            async with m:
                pass
    run(locks())


def mutex_handed(n):
    async def one(m):
        for _ in range(n // 2):
            async with m:
                await asyncio.sleep(0)

    async def both():
        m = asyncio.Lock()
        await asyncio.gather(one(m), one(m))
    run(both())


def channel_64(n):
    async def send(q):
        for i in range(n):
            await q.put(i)

    async def receive(q):
        for _ in range(n):
            await q.get()

    async def both():
        q = asyncio.Queue(64)
        await asyncio.gather(send(q), receive(q))
    run(both())


def channel_1(n):
    async def echo(there, back):
        for _ in range(n):
            await back.put(await there.get())

    async def both():
        there, back = asyncio.Queue(1), asyncio.Queue(1)
        other = asyncio.create_task(echo(there, back))
        for i in range(n):
            await there.put(i)
            await back.get()
        await other
    run(both())


def to_thread(n):
    async def jobs():
        for _ in range(n):
            await asyncio.to_thread(int)
    run(jobs())


def future_wait(n):
    loop = new_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    for _ in range(n):
        asyncio.run_coroutine_threadsafe(answer(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def timer_cancel(n):
    async def timers():
        loop = asyncio.get_running_loop()
        for _ in range(n):
            loop.call_later(3600, int).cancel()
    run(timers())


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sleepers(n):
    before, used = resident_bytes(), time.process_time_ns()
    found = []

    async def everybody():
        all_of_them = [asyncio.create_task(asyncio.sleep(1 + 9 * i / n)) for i in range(n)]
        await asyncio.sleep(0.1)
        found.append(resident_bytes() - before)
        for one in all_of_them:
            await one
    run(everybody())
    print(f"{found[0] / n:.1f} {(time.process_time_ns() - used) / n:.1f}")


ROWS = {"wait_ready": wait_ready, "await_ready": await_ready, "yield": yield_, "start_join": start_join, "mutex_free": mutex_free,
        "mutex_handed": mutex_handed, "channel_64": channel_64, "channel_1": channel_1, "to_thread": to_thread,
        "future_wait": future_wait, "timer_cancel": timer_cancel}


def main():
    if sys.argv[1:] == ["--rows"]:
        print(*ROWS, "sleepers", sep="\n")
        return
    if len(sys.argv) != 3 or not sys.argv[2].isdigit() or sys.argv[1] not in [*ROWS, "sleepers"]:
        sys.exit("usage: asyncio_rows.py [--uvloop] ROW N | --rows")
    n = int(sys.argv[2])
    if sys.argv[1] == "sleepers":
        sleepers(n)
        return
    row = ROWS[sys.argv[1]]
    row(n // 10 + 100)
    begin, used = time.perf_counter_ns(), time.process_time_ns()
    row(n)
    print(f"{(time.perf_counter_ns() - begin) / n:.2f} {(time.process_time_ns() - used) / n:.2f}")


main()
