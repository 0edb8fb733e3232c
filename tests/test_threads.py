"""Asynchronous work for callers that have no event loop."""

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

from r1router.drive.threads import finish, iterate, wait_for


async def give(value):
    await asyncio.sleep(0)
    return value


def test_the_result_of_asynchronous_work_is_waited_for_and_its_failure_comes_out():
    async def fail():
        await asyncio.sleep(0)
        raise ValueError("nothing there")

    assert wait_for(give(3)) == 3
    with pytest.raises(ValueError, match="nothing there"):
        wait_for(fail())


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="only the main thread hears Ctrl-C"
)
def test_ctrl_c_cancels_what_is_waited_for():
    """Sent when the caller waits, and not before: its stack says so."""
    cancelled = threading.Event()

    def is_waiting():
        frame = sys._current_frames()[threading.main_thread().ident]
        while frame and not frame.f_code.co_filename.endswith("concurrent/futures/_base.py"):
            frame = frame.f_back
        return frame is not None and frame.f_code.co_name == "result"

    async def work():
        while not is_waiting():
            await asyncio.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(KeyboardInterrupt):
        wait_for(work())
    assert cancelled.wait(60)


def test_the_last_work_of_an_object_is_done_when_finish_returns():
    done = []

    async def work():
        await asyncio.sleep(0.05)
        done.append(1)

    async def inside_another_loop():
        finish(work())
        return len(done)

    finish(work())
    assert len(done) == 1
    assert asyncio.run(inside_another_loop()) == 2


def test_in_the_loops_own_thread_the_last_work_is_left_to_the_loop():
    done = threading.Event()

    async def work():
        done.set()

    async def inside():
        finish(work())  # would wait for itself

    wait_for(asyncio.wait_for(inside(), 60))
    assert done.wait(60)


def test_items_come_one_at_a_time_and_a_failure_after_them():
    async def items():
        for n in range(3):
            yield await give(n)
        raise ValueError("no more")

    read = iterate(items())
    assert [next(read), next(read), next(read)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no more"):
        next(read)


def test_leaving_early_closes_the_items():
    closed = threading.Event()

    async def items():
        try:
            yield await give(1)
            await asyncio.sleep(600)
        finally:
            closed.set()

    for item in iterate(items()):
        assert item == 1
        break
    assert closed.wait(60)


def test_threads_that_ask_first_at_the_same_time_share_one_loop():
    code = """
import asyncio, sys, threading
from r1router.drive.threads import wait_for
sys.setswitchinterval(1e-6)
async def tell():
    return id(asyncio.get_running_loop())
told, together = set(), threading.Barrier(16)
def ask():
    together.wait()
    told.add(wait_for(tell()))
threads = [threading.Thread(target=ask) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(told))
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.strip() == "1"
