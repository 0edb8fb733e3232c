"""r1router itself: the paper's loop, `rr.index`, and a knowledge base in a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.peers.parts import CORPUS, STEPS, TOP, Asked, Embed, Index, Passage, Search, Steps, Vectors, find, reply

import r1router as rr
from r1router.kb.entry import Entry
from r1router.kb.manifest import Manifest
from r1router.kb.stored import Mode, StoredKnowledgeBase
from r1router.kb.stores import open_catalog
from r1router.kb.stores.store import Taken
from r1router.kb.writer import open_writer
from r1router.types import Ask, Query, Reply

PAPER = "r1_router?look=false&min_confidence=0&search_all_below=0&verify=false&tables=read"
BATCH = 512


class Instant:
    spec = "instant:"

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        prompt = "text or none?" if ask.purpose == "plan" else ""
        return Reply(reply(ask.messages[-1].content.count(" -> ") * " -> " + prompt), (), 200, 30)

    async def close(self) -> None:
        pass


class Few:
    """The knowledge base of twenty texts that all loops search."""

    card = rr.Card("text", "text", "Passages")
    entries = tuple(rr.Evidence("text", str(n), text) for n, text in enumerate(CORPUS))

    def search(self, queries: Sequence[Query], *, k: int = 5) -> list[list[rr.Evidence]]:
        return [[self.entries[n] for n in find(query.text)] for query in queries]


def open_steps(method: str = PAPER) -> Steps:
    def answer(questions: Sequence[str], in_flight: int) -> int:
        done = rr.ask_many(
            questions, kbs={"text": Few()}, policy=Instant(), method=method, max_steps=STEPS, in_flight=in_flight
        )
        return sum(len(trajectory.steps) for _, trajectory in done)

    return answer


class Given:
    """Embeds what was embedded before: passages or queries."""

    spec = "given:"

    def __init__(self, embed: Embed, dim: int) -> None:
        self._embed, self.dim = embed, dim

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        return self._embed(texts)


def open_index(embed: Embed, folder: Path) -> Index:
    def index(passages: Sequence[Passage]) -> None:
        file = folder / "passages.jsonl"
        rows = ({"id": passage.id, "text": passage.text} for passage in passages)
        file.write_text("\n".join(map(json.dumps, rows)))
        rr.index([file], folder / "kbs", embedder=Given(embed, 384))

    return index


def open_searches(passages: Sequence[Passage], vectors: Vectors, folder: Path) -> dict[str, Search]:
    store, known = open_catalog(folder).get_store("text"), dict[str, Vectors]()
    given = Given(lambda texts: np.stack([known[text] for text in texts]), vectors.shape[1])
    with open_writer(store, Manifest("text", "text", given.spec)) as writer:
        writer.held.begin()
        for start in range(0, len(passages), BATCH):
            made = []
            for passage in passages[start : start + BATCH]:
                key, _ = writer.held.claim(passage.id, "made")
                writer.held.meet("made", f"{key}#0")
                made.append(Entry(f"{key}#0", passage.record, "made", passage.text, passage.id))
            writer.put(made, vectors[start : start + BATCH], None)
        writer.finish()
        writer.ledger.put([Taken("made", "made", "all", len(passages), ("text",))])
    kb = StoredKnowledgeBase(store, text_embedder=given)

    def search(asked: Asked, mode: Mode) -> list[str]:
        known[asked.text] = asked.vector
        return [evidence.id.rpartition("#")[0] for evidence in kb.search([Query(asked.text)], k=TOP, mode=mode)[0]]

    modes: dict[str, Mode] = {"vectors": "vector", "words": "text", "fused": "fused"}
    return {name: lambda asked, mode=mode: search(asked, mode) for name, mode in modes.items()}
