"""LlamaIndex: a workflow with its prompt templates, model and retriever; its index; its fusion of two retrievers."""

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
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
from llama_index.core.llms import CustomLLM, MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.prompts import RichPromptTemplate
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from llama_index.retrievers.bm25 import BM25Retriever

NODES = [TextNode(text=text, id_=str(n)) for n, text in enumerate(CORPUS)]


class Instant(CustomLLM):
    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=reply(prompt))

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=reply(prompt))

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError


class Few(BaseRetriever):
    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=NODES[n], score=1.0) for n in find(query_bundle.query_str)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._retrieve(query_bundle)


class PlanNext(Event):
    pass


class SearchFor(Event):
    asked: str


class Read(Event):
    asked: str
    texts: list[str]


class Conclude(Event):
    pass


class Loop(Workflow):
    model, retriever = Instant(), Few()
    planned, reading, last = map(RichPromptTemplate, (PLAN, READ, FINAL))

    @step
    async def begin(self, ctx: Context, ev: StartEvent) -> PlanNext:
        await ctx.store.set("question", ev.question)
        await ctx.store.set("history", [])
        return PlanNext()

    @step
    async def plan(self, ctx: Context, ev: PlanNext) -> SearchFor:
        question, history = await ctx.store.get("question"), await ctx.store.get("history")
        said = await self.model.apredict(self.planned, question=question, history=history)
        return SearchFor(asked=read_plan(said)[0])

    @step
    async def search(self, ctx: Context, ev: SearchFor) -> Read:
        found = await self.retriever.aretrieve(ev.asked)
        return Read(asked=ev.asked, texts=[each.node.get_content() for each in found])

    @step
    async def read(self, ctx: Context, ev: Read) -> PlanNext | Conclude:
        said = await self.model.apredict(self.reading, asked=ev.asked, texts=ev.texts)
        history = [*await ctx.store.get("history"), (ev.asked, read_answer(said))]
        await ctx.store.set("history", history)
        return PlanNext() if len(history) < STEPS else Conclude()

    @step
    async def conclude(self, ctx: Context, ev: Conclude) -> StopEvent:
        question, history = await ctx.store.get("question"), await ctx.store.get("history")
        read_answer(await self.model.apredict(self.last, question=question, history=history))
        return StopEvent(result=len(history))


def open_steps() -> Steps:
    async def run(questions: Sequence[str], in_flight: int) -> int:
        free, loop = asyncio.Semaphore(in_flight), Loop(timeout=600)

        async def one(question: str) -> int:
            async with free:
                return await loop.run(question=question)

        return sum(await asyncio.gather(*map(one, questions)))

    return lambda questions, in_flight: asyncio.run(run(questions, in_flight))


class Given(BaseEmbedding):
    """Its embedder, around a function."""

    embed: Any

    def _get_text_embedding(self, text: str) -> list[float]:
        return self.embed([text])[0].tolist()

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self.embed(texts).tolist()

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def open_index(embed: Embed, folder: Path) -> Index:
    def index(passages: Sequence[Passage]) -> None:
        documents = [Document(text=passage.text, id_=passage.id) for passage in passages]
        model = Given(embed=embed, embed_batch_size=1_000)
        made = VectorStoreIndex.from_documents(documents, embed_model=model, transformations=[SentenceSplitter()])
        made.storage_context.persist(str(folder))

    return index


def open_searches(passages: Sequence[Passage], vectors: Vectors, folder: Path) -> dict[str, Search]:
    known: dict[str, Vectors] = {}
    model = Given(embed=lambda texts: known[texts[0]][None])
    nodes = [
        TextNode(text=passage.text, id_=passage.id, embedding=vector.tolist())
        for passage, vector in zip(passages, vectors, strict=True)
    ]
    index = VectorStoreIndex(nodes, embed_model=model)

    def ask(retriever: BaseRetriever, asked: Asked) -> list[str]:
        known[asked.text] = asked.vector
        return [found.node.node_id for found in retriever.retrieve(asked.text) if found.node.get_content()]

    near, deep = (index.as_retriever(similarity_top_k=k) for k in (TOP, DEPTH))
    matching, deep_matching = (BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=k) for k in (TOP, DEPTH))
    both = QueryFusionRetriever(
        [deep, deep_matching],
        llm=MockLLM(),
        mode="reciprocal_rerank",
        similarity_top_k=TOP,
        num_queries=1,
        use_async=False,
    )
    return {
        "vectors": lambda asked: ask(near, asked),
        "words": lambda asked: ask(matching, asked),
        "fused": lambda asked: ask(both, asked),
    }
