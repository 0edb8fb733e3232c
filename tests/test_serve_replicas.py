"""Two servers over one data base: what is written is in the next answer of both, and nobody sees an error."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from threading import Event

from r1router.api import Setup
from r1router.ingest.run import index
from r1router.policies.scripted import Scripted
from r1router.serve.app import create_app
from r1router.types import Ask
from serving import call, live
from small_embedders import HashedWords, Thumbnails

CLIENTS, YEARS = 6, 5


def read_year(ask: Ask) -> str:
    """Answers with the year that the evidence has."""
    said = "\n".join(message.content for message in ask.messages)
    year = re.search(r"as of year (\d+)", said)
    if ask.purpose == "plan" and not year and ask.labels:
        return f"<sub-question>harbour of Oslo</sub-question>\n<ret>{ask.labels[0]}</ret>"
    if ask.purpose == "plan":
        return "<sub-question>None</sub-question>\n<ret>None</ret>"
    return f"<answer>{year[1] if year else 'nothing found'}</answer>"


def write_year(docs: Path, year: int, location: str) -> None:
    said = "\n\n".join(f"## Quay {n}\nThe harbour of Oslo has quay {n}, as of year {year}." for n in range(5))
    (docs / "harbour.md").write_text(f"# Harbour\n{said}\n")
    index([docs], location, embedder=HashedWords())


def test_servers_of_one_data_base_answer_from_what_was_written_last(tmp_path: Path, postgres: str) -> None:
    location, docs = f"{postgres}&schema=replicas", tmp_path / "docs"
    docs.mkdir()
    write_year(docs, 0, location)
    setup = Setup(kbs=location, policy=Scripted(read_year), method="vanilla_rag")
    apps = [create_app(setup, text_embedder=HashedWords(), image_embedder=Thumbnails()) for _ in range(2)]
    written = [0]
    """The last year whose writing has come to its end."""
    ended = Event()

    def ask(port: int) -> list[tuple[int, str]]:
        """(the year that was written before the question, the answer), until nothing is written any more."""
        told, is_last = [], False
        while not is_last:
            is_last = ended.is_set()
            before = written[-1]
            got = call(port, "POST", "/v1/ask", {"question": "How many quays has Oslo?", "stream": False})
            assert got.status == 200, got.body
            told.append((before, got.json["answer"]["text"]))
        return told

    with live(apps[0]) as one, live(apps[1]) as other, ThreadPoolExecutor(CLIENTS) as clients:
        asked = [clients.submit(ask, port) for port in islice(cycle((one, other)), CLIENTS)]
        try:
            for year in range(1, YEARS + 1):
                write_year(docs, year, location)
                written.append(year)
        finally:
            ended.set()
        told = [pair for client in asked for pair in client.result()]
    assert len(told) >= CLIENTS
    assert [(before, answer) for before, answer in told if int(answer) < before] == []
