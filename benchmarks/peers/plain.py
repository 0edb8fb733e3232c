"""No framework: the least that a loop, an encoder and a search can cost. faiss and bm25s are asked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import jinja2
import numpy as np
from benchmarks.peers import bm25s, faiss
from benchmarks.peers.parts import (
    CORPUS,
    DEPTH,
    FINAL,
    PLAN,
    READ,
    STEPS,
    Asked,
    Embed,
    Index,
    Passage,
    Search,
    Steps,
    Vectors,
    find,
    fuse,
    read_answer,
    read_plan,
    reply,
)


def open_steps() -> Steps:
    plan, read, final = map(jinja2.Template, (PLAN, READ, FINAL))

    def answer(questions: Sequence[str], in_flight: int) -> int:
        for question in questions:
            history: list[tuple[str, str]] = []
            for _ in range(STEPS):
                asked, _ = read_plan(reply(plan.render(question=question, history=history)))
                texts = [CORPUS[n] for n in find(asked)]
                history.append((asked, read_answer(reply(read.render(asked=asked, texts=texts)))))
            read_answer(reply(final.render(question=question, history=history)))
        return STEPS * len(questions)

    return answer


def open_index(embed: Embed, folder: Path) -> Index:
    return lambda passages: np.save(folder / "vectors.npy", embed([passage.text for passage in passages]))


def open_searches(passages: Sequence[Passage], vectors: Vectors, folder: Path) -> dict[str, Search]:
    near, matching = faiss.open_ranking(vectors), bm25s.open_ranking(passages)

    def fused(asked: Asked) -> list[str]:
        best = fuse([near(asked, DEPTH), matching(asked, DEPTH)])
        return [passages[n].id for n in best if passages[n].text]

    return {"fused": fused}
