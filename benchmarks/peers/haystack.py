"""Haystack: a pipeline with a loop, its prompt builders and retriever; its store in memory; its joiner of rankings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.parts import (
    CORPUS,
    DEPTH,
    FINAL,
    PLAN,
    READ,
    STEPS,
    TOP,
    Asked,
    Embed,
    Index,
    Passage,
    Search,
    Steps,
    Vectors,
    find,
    read_answer,
    read_plan,
    reply,
)
from haystack import Document, Pipeline, component
from haystack.components.builders import PromptBuilder
from haystack.components.joiners import BranchJoiner, DocumentJoiner
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore

History = list[tuple[str, str]]
DOCUMENTS = [Document(id=str(n), content=text) for n, text in enumerate(CORPUS)]


@component
class Instant:
    @component.output_types(replies=list[str])
    def run(self, prompt: str) -> dict[str, Any]:
        return {"replies": [reply(prompt)]}


@component
class ReadPlan:
    @component.output_types(asked=str)
    def run(self, replies: list[str]) -> dict[str, Any]:
        return {"asked": read_plan(replies[0])[0]}


@component
class Few:
    @component.output_types(documents=list[Document])
    def run(self, query: str) -> dict[str, Any]:
        return {"documents": [DOCUMENTS[n] for n in find(query)]}


@component
class Remember:
    """Adds the answer to the history, and says whether there is another step."""

    @component.output_types(more=History, enough=History)
    def run(self, history: History, asked: str, replies: list[str]) -> dict[str, Any]:
        history = [*history, (asked, read_answer(replies[0]))]
        return {"more" if len(history) < STEPS else "enough": history}


@component
class ReadAnswer:
    @component.output_types(answer=str)
    def run(self, replies: list[str]) -> dict[str, Any]:
        return {"answer": read_answer(replies[0])}


def build() -> Pipeline:
    loop = Pipeline(max_runs_per_component=100)
    parts: dict[str, Any] = {
        "history": BranchJoiner(History),
        "plan_prompt": PromptBuilder(PLAN, required_variables=["question", "history"]),
        "planner": Instant(),
        "read_plan": ReadPlan(),
        "retriever": Few(),
        "read_prompt": PromptBuilder(
            READ.replace("in texts", "in documents").replace("{{ text }}", "{{ text.content }}"),
            required_variables=["documents", "asked"],
        ),
        "reader": Instant(),
        "remember": Remember(),
        "final_prompt": PromptBuilder(FINAL, required_variables=["question", "history"]),
        "concluder": Instant(),
        "answer": ReadAnswer(),
    }
    for name, part in parts.items():
        loop.add_component(name, part)
    for start, end in (
        ("history.value", "plan_prompt.history"),
        ("plan_prompt.prompt", "planner.prompt"),
        ("planner.replies", "read_plan.replies"),
        ("read_plan.asked", "retriever.query"),
        ("read_plan.asked", "read_prompt.asked"),
        ("retriever.documents", "read_prompt.documents"),
        ("read_prompt.prompt", "reader.prompt"),
        ("reader.replies", "remember.replies"),
        ("read_plan.asked", "remember.asked"),
        ("history.value", "remember.history"),
        ("remember.more", "history.value"),
        ("remember.enough", "final_prompt.history"),
        ("final_prompt.prompt", "concluder.prompt"),
        ("concluder.replies", "answer.replies"),
    ):
        loop.connect(start, end)
    return loop


def open_steps() -> Steps:
    loop = build()

    async def one(question: str, free: asyncio.Semaphore) -> int:
        given = {name: {"question": question} for name in ("plan_prompt", "final_prompt")}
        async with free:
            done = await loop.run_async({**given, "history": {"value": []}}, include_outputs_from={"remember"})
        return len(done["remember"]["enough"])

    async def run(questions: Sequence[str], in_flight: int) -> int:
        free = asyncio.Semaphore(in_flight)
        return sum(await asyncio.gather(*(one(question, free) for question in questions)))

    return lambda questions, in_flight: asyncio.run(run(questions, in_flight))


@component
class Embedder:
    def __init__(self, embed: Embed) -> None:
        self.embed = embed

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        for document, vector in zip(documents, self.embed([str(d.content) for d in documents]), strict=True):
            document.embedding = vector.tolist()
        return {"documents": documents}


def open_index(embed: Embed, folder: Path) -> Index:
    store, line = InMemoryDocumentStore(shared=False), Pipeline()
    for name, part in (
        ("split", DocumentSplitter(split_by="word", split_length=200)),
        ("embed", Embedder(embed)),
        ("write", DocumentWriter(store)),
    ):
        line.add_component(name, part)
    line.connect("split", "embed")
    line.connect("embed", "write")

    def index(passages: Sequence[Passage]) -> None:
        documents = [Document(id=passage.id, content=passage.text) for passage in passages]
        line.run({"split": {"documents": documents}})
        store.save_to_disk(str(folder / "store.json"))

    return index


def open_searches(passages: Sequence[Passage], vectors: Vectors, folder: Path) -> dict[str, Search]:
    store = InMemoryDocumentStore(shared=False, return_embedding=False)
    store.write_documents(
        [
            Document(id=passage.id, content=passage.text, embedding=vector.tolist())
            for passage, vector in zip(passages, vectors, strict=True)
        ]
    )
    near, matching = InMemoryEmbeddingRetriever(store, top_k=TOP), InMemoryBM25Retriever(store, top_k=TOP)
    both = Pipeline()
    both.add_component("near", InMemoryEmbeddingRetriever(store, top_k=DEPTH))
    both.add_component("matching", InMemoryBM25Retriever(store, top_k=DEPTH))
    both.add_component("join", DocumentJoiner("reciprocal_rank_fusion", top_k=TOP))
    both.connect("near", "join")
    both.connect("matching", "join")

    def ids(found: dict[str, Any]) -> list[str]:
        return [document.id for document in found["documents"]]

    def fused(asked: Asked) -> list[str]:
        given = {"near": {"query_embedding": asked.vector.tolist()}, "matching": {"query": asked.text}}
        return ids(both.run(given)["join"])

    return {
        "vectors": lambda asked: ids(near.run(query_embedding=asked.vector.tolist())),
        "words": lambda asked: ids(matching.run(query=asked.text)),
        "fused": fused,
    }
