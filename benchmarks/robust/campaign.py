"""Tries to break r1router and counts what survived, because a claim of being hard to break needs a table.

    python benchmarks/robust/campaign.py [--files 300] [--kills 30] [--bodies 200] [--seed 1]

files    damaged files of every text format: each must be read or reported, and the sound ones beside them indexed
kills    `index` killed at a random moment, then run again: no entry lost, doubled or stale
bodies   odd bodies of a chat server: each must end as a reply or as its question's `PolicyError`
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import r1router as rr
from r1router.drive.threads import wait_for
from r1router.errors import PolicyError, UnreadableFile
from r1router.ingest.isolate import open_reading_process
from r1router.ingest.sources import SourceFile
from r1router.kb.check import check
from r1router.types import Ask, Message

SOUND = {
    "a.csv": b"city,people\nOslo,717710\nBergen,291940\n",
    "a.tsv": b"city\tpeople\nOslo\t717710\n",
    "a.md": b"# Norway\nOslo is the capital.\n\n## Coast\nBergen lies there.\n",
    "a.html": b"<html><body><h1>Norway</h1><p>Oslo</p><table><tr><th>a<td>b<tr><td>1<td>2</table></body></html>",
    "a.jsonl": b'{"id": 1, "text": "Oslo"}\n{"id": 2, "text": "Bergen"}\n',
    "a.txt": b"Oslo is the capital of Norway.\n" * 5,
    "wiki_00": b'<doc id="1" url="" title="Oslo">\nOslo\n\nCapital.\n</doc>\n',
}


def spoil(data: bytes, rng: random.Random) -> bytes:
    """Bytes changed, cut out, doubled or put in."""
    spoilt = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(spoilt) + 1)
        match rng.randrange(4):
            case 0:
                spoilt[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del spoilt[at : at + rng.randint(1, 30)]
            case 2:
                spoilt[at:at] = spoilt[at : at + 40] * rng.randint(1, 200)
            case _:
                spoilt[at:at] = rng.choice(
                    [b"<" * 5000, b'"', b"\0" * 99, b"[" * 9000, b"\xff\xfe", b" " * 60_000, b"<!--"]
                )
    return bytes(spoilt) or b"\n"


def try_files(count: int, rng: random.Random, folder: Path) -> tuple[int, int, str]:
    survived, slowest = 0, 0.0
    with open_reading_process() as process:
        for number in range(count):
            name = rng.choice(list(SOUND))
            path = folder / name
            path.write_bytes(spoil(SOUND[name], rng))
            began = time.monotonic()
            try:
                kinds, _ = process.look(path, None)
                for _ in process.read(SourceFile(path, f"{number}/{name}", kinds), as_=None, ocr=False):
                    pass
                survived += 1
            except UnreadableFile:
                survived += 1
            except Exception as error:
                print(f"{name} {number}: {type(error).__name__}: {error}")
            slowest = max(slowest, time.monotonic() - began)
    return count, survived, f"slowest {slowest:.1f} s"


def try_kills(count: int, rng: random.Random, folder: Path) -> tuple[int, int, str]:
    docs, kbs = folder / "docs", folder / "kbs"
    docs.mkdir()
    for number in range(40):
        (docs / f"{number}.md").write_text(f"# Town {number}\nTown {number} has {number} towers. " * 20)
    command = [sys.executable, "-c", "from r1router.cli import main; main()", "index", str(docs), "--kbs", str(kbs)]
    survived = 0
    for number in range(count):
        (docs / f"{number % 40}.md").write_text(f"# Town {number}\nTown {number} has {number} new towers. " * 20)
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.5, 6.0))
        run.send_signal(signal.SIGKILL)
        run.wait()
        rr.index([docs], kbs=kbs, ocr=False)
        whole = not check(kbs / "text")
        found = {
            e.location.source for e in rr.open_kbs(kbs)["text"].search([rr.Query("town")], k=10_000)[0] if e.location
        }
        survived += whole and len(found) == 40
    return count, survived, ""


def try_bodies(count: int, rng: random.Random, folder: Path) -> tuple[int, int, str]:
    sound = {"choices": [{"message": {"content": "<answer>Oslo</answer>"}, "finish_reason": "stop"}], "usage": None}
    odd = [None, 7, [], {}, "", "\ud800", float("nan"), [[]], {"text": 1}, True, [None], "x" * 100_000]
    body = b""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    policy = rr.open_policy(f"openai:m@http://127.0.0.1:{server.server_port}/v1?timeout=20")
    survived = 0
    for number in range(count):
        told = json.loads(json.dumps(sound))
        places = [told, told["choices"][0], told["choices"][0]["message"]]
        place = rng.choice(places)
        place[rng.choice([*place, "reasoning", "refusal", "tool_calls", "logprobs"])] = rng.choice(odd)
        body = json.dumps(told).encode()
        if rng.random() < 0.3:
            body = spoil(body, rng)
        try:
            wait_for(policy.reply(Ask((Message("user", "?"),), "final", max_tokens=4)))
            survived += 1
        except PolicyError:
            survived += 1
        except Exception as error:
            print(f"body {number}: {type(error).__name__}: {error}")
    wait_for(policy.close())
    server.shutdown()
    return count, survived, ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, count in (("files", 300), ("kills", 30), ("bodies", 200), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=count)
    given = parser.parse_args()
    print("| tried | times | survived | lost | |\n|---|---|---|---|---|")
    for name, part in (("files", try_files), ("bodies", try_bodies), ("kills", try_kills)):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            tried, survived, told = part(getattr(given, name), random.Random(given.seed), Path(folder))
        seconds = f"{time.monotonic() - began:.0f} s"
        print(
            f"| {name} | {tried} | {survived} | {tried - survived} | {', '.join(filter(None, (told, seconds)))} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
