"""Gives every peer the same parts: passages with their vectors, questions, a model that replies at once, one search.

A file of this folder is one peer. It defines those of these three that the peer can do:

    open_steps() -> Steps                            its loop of steps
    open_index(embed, folder) -> Index               its way from texts to something that can be searched
    open_searches(passages, vectors, folder) -> {"vectors": Search, "words": Search, "fused": Search}
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""(texts, dim), rows of norm 1."""
Embed = Callable[[Sequence[str]], Vectors]
Steps = Callable[[Sequence[str], int], int]
"""Answers all questions, so many in flight; returns how many steps that were."""
Index = Callable[[Sequence["Passage"]], None]
Search = Callable[["Asked"], list[str]]
"""The ids of the best `TOP` passages, best first. Their texts have been read, too."""

STEPS, TOP, DEPTH = 3, 5, 50
"""Steps of a question, passages of a search, and those of each ranking that are fused."""


@dataclass(frozen=True, slots=True)
class Passage:
    id: str
    record: str
    """What gold evidence names; several passages may be of one."""
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    text: str
    vector: NDArray[np.float32]
    gold: frozenset[str]
    """Records of which one is wanted."""


@dataclass(frozen=True, slots=True)
class Material:
    """What the peers get, in a folder that each of their processes reads."""

    passages: list[Passage]
    vectors: Vectors
    asked: list[Asked]

    def save(self, folder: Path) -> None:
        (folder / "passages.json").write_text(json.dumps([asdict(passage) for passage in self.passages]))
        (folder / "asked.json").write_text(json.dumps([[each.text, sorted(each.gold)] for each in self.asked]))
        np.save(folder / "vectors.npy", self.vectors)
        np.save(folder / "asked.npy", np.stack([each.vector for each in self.asked]))


def load(folder: Path) -> Material:
    passages = [Passage(**row) for row in json.loads((folder / "passages.json").read_text())]
    asked = zip(json.loads((folder / "asked.json").read_text()), np.load(folder / "asked.npy"), strict=True)
    return Material(
        passages,
        np.load(folder / "vectors.npy"),
        [Asked(text, vector, frozenset(gold)) for (text, gold), vector in asked],
    )


# ── a step: a plan, a search, a reading; the same words in all loops ──

PLAN = """Question: {{ question }}
{% for asked, answer in history %}{{ asked }} -> {{ answer }}
{% endfor %}Which sub-question is next, and which knowledge base answers it: text or none?"""
READ = """{% for text in texts %}[{{ loop.index }}] {{ text }}
{% endfor %}Answer from these: {{ asked }}"""
FINAL = """{% for asked, answer in history %}{{ asked }} -> {{ answer }}
{% endfor %}Answer: {{ question }}"""
ANSWER = "<think>the first piece says it</think>\n<answer>Oslo</answer>"
CORPUS = [f"{n} " + "Oslo is the capital of Norway and lies at the end of a long fjord. " * 7 for n in range(20)]
_PLAN = re.compile(r"<think>(.*?)</think>\s*<sub-question>(.*?)</sub-question>\s*<ret>(.*?)</ret>", re.S)
_ANSWER = re.compile(r"<think>(.*?)</think>\s*<answer>(.*?)</answer>", re.S)
_WORD = re.compile(r"\w+")
_WORDS = [set(_WORD.findall(text.lower())) for text in CORPUS]


def reply(prompt: str) -> str:
    """What the model says, at once: a plan where one is asked for, else an answer."""
    if not prompt.endswith("text or none?"):
        return ANSWER
    asked = f"What about part {prompt.count(' -> ')}?"
    return f"<think>still open</think>\n<sub-question>{asked}</sub-question>\n<ret>text</ret>"


def read_plan(said: str) -> tuple[str, str]:
    """The sub-question and where to look."""
    found = _PLAN.search(said)
    assert found, said
    return found[2], found[3]


def read_answer(said: str) -> str:
    found = _ANSWER.search(said)
    assert found, said
    return found[2]


def find(asked: str) -> list[int]:
    """Places in `CORPUS` of the texts that share most words with it."""
    words = set(_WORD.findall(asked.lower()))
    return sorted(range(len(CORPUS)), key=lambda n: -len(words & _WORDS[n]))[:TOP]


def fuse(rankings: Sequence[Sequence[Any]]) -> list[Any]:
    """By reciprocal ranks, for peers that rank by one thing only."""
    scores: dict[Any, float] = {}
    for ranking in rankings:
        for rank, id in enumerate(ranking, 1):
            scores[id] = scores.get(id, 0.0) + 1 / (60 + rank)
    return sorted(scores, key=lambda id: -scores[id])[:TOP]
