"""Reads files in a process of its own, because a file may be made to take all memory, all time, or the process with it.

    parent   ReadingProcess.look(path), .read(file)        one request at a time; the process lives on between files
    child    serve(): the readers, within limits           killed, and reported as that file's problem, beyond them

The parent watches memory and CPU time while it waits for the next record. On systems without /proc only the time is
limited. The records come back whole, so that what follows need not know where they were made.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from r1router.errors import InputError, NothingToIndex, R1RouterError, UnreadableFile
from r1router.ingest import ocr as recognizer
from r1router.ingest.parts.registry import Look, find_reader, look
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile, make_absolute
from r1router.types import Kind

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the reading of one file may take."""

    memory: int = 1_000_000_000
    """Bytes of the process."""
    seconds: float = 28.0
    """Of CPU until the first, or the next, record; four times as long where it waits for something else than a core."""
    whole: float = 28.0
    """Of CPU from a file's first record to its last, or `seconds_per_mb` for each megabyte of it where that is more."""
    seconds_per_mb: float = 20.0
    """The slowest formats take some six."""
    recognition_per_mb: float = 600.0
    """The same for the words in pictures, whose time is counted apart: a page that is read from a scan takes some
    seconds, and a few kilobytes of the file."""
    output: int = 256_000_000
    """Bytes of records, or `ratio` times the size of the file where that is more."""
    ratio: int = 100
    piece: int = 70_000_000
    """Bytes of one record: the largest pictures have 67 MB."""
    entries: int = 4_000
    """Of one file, each of which takes some milliseconds; or `entries_per_kb` times its size where that is more."""
    entries_per_kb: float = 60.0
    """Text that is packed well has some 15."""

    def measure_room(self, file: Path) -> int:
        """Bytes that what is made of a file may take."""
        return max(self.output, self.ratio * _size(file))

    def count_entries(self, file: Path) -> int:
        """How many entries may be made of a file."""
        return max(self.entries, int(self.entries_per_kb * _size(file) / 1000))

    def measure_time(self, file: Path) -> float:
        """Seconds of CPU that reading a file may take, without the words in its pictures."""
        return max(self.whole, self.seconds_per_mb * _size(file) / 1e6)

    def measure_recognition(self, file: Path) -> float:
        """Seconds of CPU that the words in the pictures of a file may take."""
        return max(self.whole, self.recognition_per_mb * _size(file) / 1e6)


LAYOUT_LIMITS = Limits(memory=16_000_000_000, seconds=1_200.0, whole=1_200.0, seconds_per_mb=600.0)
"""Of a layout model, which takes gigabytes, and on a CPU seconds for each page."""

LIMITS = Limits()


def choose_limits(reader: str | None) -> Limits:
    """Of files that this reader of `layout_readers` takes; of all others where none is named."""
    return LAYOUT_LIMITS if reader else LIMITS


_FAT = 400_000_000
"""Bytes above which a process that has read its file is not used again: freed memory does not always go back."""
_GLANCE = 0.05
"""Seconds between two looks at a process that is waited for."""
_BEHIND = 5
"""Steps of priority that the process stands back, so that a file which takes all its time holds up nothing else."""
_REFUSALS = {"unreadable": UnreadableFile, "empty": NothingToIndex}
"""By what the process says."""
_TOO_LONG = "reading it takes too long for its size; unpack it, split it, or save it in another format"
_HEADER = struct.Struct("<Q")
_FRAMES = 4
"""That wait to be taken, at most."""
_LARGE = 1_000_000
"""Bytes of a frame beside which no other one waits."""
_RUN = (
    f"import json, os, sys; getattr(os, 'nice', int)({_BEHIND}); "
    "paths, memory, piece = json.loads(sys.argv[1]); sys.path[:] = paths; "
    "from r1router.ingest.isolate import serve; serve(memory, piece)"
)

_idle: list[ReadingProcess] = []
_all: set[ReadingProcess] = set()
_lock = threading.Lock()


@contextmanager
def open_reading_process(limits: Limits = LIMITS) -> Iterator[ReadingProcess]:
    """A process to read with; the one that was used last where some are started already. Safe in any thread."""
    with _lock:
        process = next((p for p in reversed(_idle) if p.limits == limits), None) or ReadingProcess(limits)
        if process in _idle:
            _idle.remove(process)
        _all.add(process)
    try:
        yield process
    finally:
        process.wait_with = _wait
        with _lock:
            if process.is_ready and len(_idle) < 2:
                _idle.append(process)
            else:
                process.stop()
                _all.discard(process)


def _wait() -> None:
    """Waits for nothing else."""


@atexit.register
def _stop_all() -> None:
    for process in list(_all):
        process.stop()


class ReadingProcess:
    """The parent's side. Starts its process at the first request, and again after one was killed."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.wait_with: Callable[[], None] = _wait
        """Called again and again while an answer is waited for. What it raises ends the reading, and the process."""
        self._child: subprocess.Popen[bytes] | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        """Where it unpacks archives; it goes with the process, which may be killed at any time."""
        self._refused: dict[Path, str] = {}
        """Why a look into these files failed."""
        self._replies: queue.Queue[bytes] = queue.Queue()
        self._room = threading.Semaphore(_FRAMES)

    @property
    def is_ready(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def look(self, path: Path, as_: Kind | None) -> Look:
        """Kinds and companions of a file, from its name and, where its reader has it so, a look inside."""
        self._refused.pop(path.absolute(), None)
        reader = find_reader(path)
        if reader is None or not hasattr(reader, "look"):
            return look(path, as_)
        found: Look
        try:
            [found] = self._ask("look", path.absolute(), as_, source=str(path), path=path)
        except UnreadableFile as error:
            self._refused[path.absolute()] = error.reason  # what reading it would meet again
            found = ((as_ or reader.KINDS[0],), ())
        return found

    def read(self, file: SourceFile, *, as_: Kind | None, ocr: bool) -> Generator[Record | Problem | About, None, None]:
        """As `readers.read`. Raises `UnreadableFile` also for a file that takes too much, or ends the process."""
        if file.path.absolute() in self._refused:
            raise UnreadableFile(file.source, self._refused.pop(file.path.absolute()))
        yield from self._ask("read", make_absolute(file), as_, ocr, source=file.source, path=file.path)

    def stop(self) -> None:
        """Ends the process, whatever it does."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        self._room.release(2 * _FRAMES)  # lets the thread end that waits with what nobody wants any more
        for stream in (child.stdin, child.stdout):
            if stream:
                with suppress(OSError):
                    stream.close()
        child.wait()
        if self._scratch:
            self._scratch.cleanup()

    # ── one request ────────────────────────────────────────────────────────────────────────────

    def _ask(self, *request: Any, source: str, path: Path) -> Iterator[Any]:
        done = False
        try:
            self._send(request)
            left = self.limits.measure_room(path)
            until, most = self._cpu() + self.limits.measure_time(path), self.limits.measure_recognition(path)
            recognizing = 0.0
            while True:
                what, value, recognizing, length = self._receive(source, until + min(recognizing, most))
                left -= length
                if what == "item":
                    yield value
                elif what == "log":
                    logging.getLogger(value[0]).log(value[1], "%s", value[2])
                elif what == "end":
                    done = True
                    return
                else:
                    done = True
                    raise _REFUSALS[what](source, value) if what in _REFUSALS else InputError(value)
                if left < 0:
                    raise UnreadableFile(source, f"it unpacks to more than {self.limits.output // 10**6:,} MB of text")
        finally:
            if not done or self._rss() > _FAT:
                self.stop()

    def _send(self, request: tuple[Any, ...]) -> None:
        """To the process; to a new one where the last has died since. Raises `R1RouterError` where that dies, too."""
        data = pickle.dumps(request)
        for _ in range(2):
            if not self.is_ready:
                self.stop()
                self._start()
            assert self._child is not None
            assert self._child.stdin is not None
            try:
                self._child.stdin.write(_HEADER.pack(len(data)) + data)
                self._child.stdin.flush()
                return
            except OSError:  # the system may kill a process that waits, where memory is short
                self.stop()
        raise R1RouterError("the process that reads files does not start; is there memory left?")

    def _start(self) -> None:
        given = json.dumps([[path or os.getcwd() for path in sys.path], self.limits.memory, self.limits.piece])
        # Arrow's own allocator would keep what it has had.
        self._scratch = tempfile.TemporaryDirectory(prefix="r1router-", ignore_cleanup_errors=True)
        environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "TMPDIR": self._scratch.name}
        child = subprocess.Popen(
            [sys.executable, "-c", _RUN, given],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        self._child, self._replies, self._room = child, queue.Queue(), threading.Semaphore(_FRAMES)
        assert child.stdout is not None
        threading.Thread(
            target=_pump, args=(child.stdout, self._replies, self._room), name="reading", daemon=True
        ).start()

    def _receive(self, source: str, until: float) -> tuple[str, Any, float, int]:
        """The next (what, value, seconds for words in pictures so far, bytes). Raises `UnreadableFile` where the
        process dies or takes too much, or its CPU has worked `until` then."""
        began, cpu = time.monotonic() - self._starved(), self._cpu()
        if cpu > until:
            raise UnreadableFile(source, _TOO_LONG)
        while True:
            try:
                data = self._replies.get(timeout=_GLANCE)
                break
            except queue.Empty:
                self.wait_with()
                limits = self.limits
                if self._rss() > limits.memory:
                    raise UnreadableFile(source, _too_much(limits.memory)) from None
                now = self._cpu()
                waited, worked = time.monotonic() - self._starved() - began, now - cpu
                if now > until:
                    raise UnreadableFile(source, _TOO_LONG) from None
                if worked > limits.seconds or waited > 4 * limits.seconds:
                    reason = f"reading it takes too long: nothing came for {limits.seconds:g} s"
                    raise UnreadableFile(source, reason) from None
        self._room.release(_weigh(len(data)))
        if not data:
            code = self._child.wait() if self._child else 0
            ended = signal.Signals(-code).name if code < 0 else f"exit {code}"
            raise UnreadableFile(source, f"reading it ended the reading process ({ended}): it is damaged, or too large")
        what, value, recognizing = pickle.loads(data)
        return what, value, recognizing, len(data)

    def _rss(self) -> int:
        """Bytes of memory of the process; 0 where that is not known."""
        try:
            assert self._child is not None
            pages = int(Path(f"/proc/{self._child.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, AssertionError, IndexError):
            return 0

    def _cpu(self) -> float:
        """CPU seconds of the process; 0 where that is not known."""
        try:
            assert self._child is not None
            fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, AssertionError, IndexError):
            return 0.0

    def _starved(self) -> float:
        """Seconds for which the process was ready to run and others had all cores; 0 where that is not known."""
        try:
            assert self._child is not None
            return int(Path(f"/proc/{self._child.pid}/schedstat").read_text().split()[1]) / 1e9
        except (OSError, ValueError, AssertionError, IndexError):
            return 0.0


def _too_much(memory: int) -> str:
    return f"reading it takes more than {memory // 10**6:,} MB of memory"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _pump(stream: IO[bytes], replies: queue.Queue[bytes], room: threading.Semaphore) -> None:
    """In a thread: frames to the queue, few at a time; an empty one when there are no more, or one is cut off."""
    with suppress(OSError, ValueError):
        while len(header := stream.read(_HEADER.size)) == _HEADER.size:
            [length] = _HEADER.unpack(header)
            for _ in range(_weigh(length)):
                room.acquire()
            if len(data := stream.read(length)) < length:
                break
            replies.put(data)
    replies.put(b"")


def _weigh(length: int) -> int:
    """How many of the frames that may wait one of so many bytes counts as."""
    return _FRAMES if length > _LARGE else 1


# ── in the process ─────────────────────────────────────────────────────────────────────────────


def serve(memory: int, piece: int) -> None:
    """The child's loop: requests from standard input, frames to standard output, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    _limit(memory)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the frames
    send = _Sender(out, piece)
    logging.getLogger().addHandler(send)
    logging.getLogger("r1router").setLevel(logging.INFO)
    threading.Thread(target=_die_with_parent, args=(os.getppid(),), daemon=True).start()
    source = os.fdopen(0, "rb", closefd=False)
    while len(header := source.read(_HEADER.size)) == _HEADER.size:
        request = pickle.loads(source.read(_HEADER.unpack(header)[0]))
        send.begin()
        try:
            for item in _serve_one(*request):
                send("item", item)
            send("end", None)
        except UnreadableFile as error:
            send("empty" if isinstance(error, NothingToIndex) else "unreadable", error.reason)
        except R1RouterError as error:
            send("error", str(error))
        except MemoryError:
            send("unreadable", _too_much(memory))


def _serve_one(what: str, *args: Any) -> Iterator[Any]:
    from r1router.ingest.parts.read import read
    from r1router.ingest.parts.registry import look

    if what == "look":
        yield look(*args)
    else:
        file, as_, ocr = args
        yield from read(file, as_=as_, ocr=ocr)


class _Sender(logging.Handler):
    """Frames to the parent; also of what is logged."""

    def __init__(self, out: IO[bytes], piece: int) -> None:
        super().__init__(logging.INFO)
        self._out, self._piece = out, piece
        self._sending = threading.Lock()
        self._recognized = 0.0

    def begin(self) -> None:
        """A request begins."""
        self._recognized = recognizer.measure_work()

    def __call__(self, what: str, value: Any) -> None:
        data = pickle.dumps((what, value, recognizer.measure_work() - self._recognized))
        if len(data) > self._piece:
            raise UnreadableFile("", f"one piece of it has more than {self._piece // 10**6:,} MB")
        with self._sending:
            self._out.write(_HEADER.pack(len(data)) + data)
            self._out.flush()

    def emit(self, record: logging.LogRecord) -> None:
        self("log", (record.name, record.levelno, record.getMessage()))


def _limit(memory: int) -> None:
    """So that one large demand for memory is refused; many small ones are seen by the parent."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _die_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)
