"""Defines the nouns: every piece of data that flows between the rooms, frozen and free of behaviour.

    Question ─▶ method ─▶ Ask / Search ─▶ driver ─▶ Policy / KnowledgeBase
                  │◀──── Reply / Evidence ◀──┘
                  ▼
              Trajectory (Steps with their Evidence, an Answer, why it stopped, what it cost)

Nothing is imported here but the standard library and `table`. Gold answers live in `Example` and never reach a method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from r1router.table import TableBlock, TableColumn, TableResult

if TYPE_CHECKING:
    from r1router.tables.view import TableView

Kind = Literal["text", "image", "table"]
"""What the entries of a knowledge base are made from."""

# ── what is asked ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as bytes, so that it can cross a network or a process unchanged."""

    data: bytes = field(repr=False)
    media_type: str = "image/png"
    """An IANA type: image/png, image/jpeg, image/webp, image/gif."""
    name: str = ""
    """What to call it in messages to people: a file name, usually."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    image: Image | None = None
    where: str = ""
    """Filter of the sources that it may be answered from (`filters.parse`); empty for all."""
    turns: tuple[Turn, ...] = ()
    """What was said before it, oldest first: with these it is made to stand alone before a method sees it."""
    typed: str = ""
    """Its words as they were typed, where `text` has been rewritten."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question with what is known about its answer, for evaluation and training only."""

    id: str
    question: Question
    answers: tuple[str, ...]
    """Accepted answers, the best form first; any one is right."""
    gold: Mapping[str, Any] | None = None
    """Gold evidence and steps, as the data set gives them."""
    type: str = ""
    """Knowledge bases needed, such as "text+table"; empty where the data set does not say."""
    collection: str = ""
    """Of several collections of knowledge bases, the one that it is about (see `kb.collections`)."""


# ── what is known ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Card:
    """How a knowledge base introduces itself to the policy; the router prompt is rendered from these."""

    name: str
    """The folder's name and the key of the mapping: `geo-tables`."""
    kind: Kind
    holds: str
    """One line that says what is in it: "Tables of country statistics"."""
    label: str = ""
    """What the policy writes to choose it; the name where empty."""
    details: str = ""
    """What is in it in a few lines: topics, titles, columns, languages, dates and counts; empty where not known."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a piece of evidence came from, in terms that a person can follow."""

    source: str
    """File path as indexed, or an URL."""
    page: int | None = None
    """1-based page of a paged document."""
    section: str = ""
    rows: tuple[int, int] | None = None
    """1-based first and last data row of a table (the header is not counted)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    kb: str
    id: str
    """Unique within its knowledge base and stable across re-indexing."""
    text: str
    """What the policy reads: a passage with its title, a caption with recognised words, table rows."""
    score: float = 0.0
    """Higher is better; comparable only within one search."""
    title: str = ""
    image: str | None = None
    """Name of the picture within its knowledge base, for evidence that is one (`PictureKnowledgeBase`)."""
    location: Location | None = None
    record: str = ""
    """Id of the document part, table or picture that it is cut from; data sets name gold evidence by it."""
    table: TableBlock | None = None
    """The rows that it is, of evidence from a table; `text` says the same, its long cells cut."""
    result: TableResult | None = None
    """What a query gave, of evidence that was computed."""
    similarity: float | None = None
    """Cosine of the query's words to it, -1 to 1, by the embedder of its knowledge base; None where there is none.
    Comparable between knowledge bases of the same embedder, which `score` is not."""
    reranked: bool = False
    """Whether `score` is a reranker's."""


@dataclass(frozen=True, slots=True)
class Query:
    """One search: words, a picture, or both (then both rankings are fused)."""

    text: str = ""
    image: Image | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What a knowledge base would bring for a question: seen before a route is chosen, never read as evidence."""

    kb: str
    line: str = ""
    """The line of its best entry that shares most words with the question, cut to a few words; empty where it has
    nothing."""
    similarity: float = 0.0
    """The highest cosine of the question to one of its entries, -1 to 1; 0 where it has none."""
    matched: float = 0.0
    """Share of the question's telling words that its best entries hold, 0 to 1."""
    again: bool = False
    """Whether its nearest entry is of a record that an earlier step has found already."""


# ── what the policy says ───────────────────────────────────────────────────────────────────────

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token with its log-probability and the best alternatives at its place."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()
    """(token text, natural-log probability), best first; holds the token itself where it is among them."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What something cost. Adds up: `a + b`."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    """Model calls."""
    retrievals: int = 0
    """Searches sent to one knowledge base."""
    looks: int = 0
    """Searches sent to one knowledge base only to see what it would bring."""
    reranks: int = 0
    """Rankings that a reranker has put in its order."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall seconds waited per stage: look, plan, search, answer, query, compute, final."""

    def __add__(self, other: Usage) -> Usage:
        stages = {*self.seconds, *other.seconds}
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.calls + other.calls,
            self.retrievals + other.retrievals,
            self.looks + other.looks,
            self.reranks + other.reranks,
            {s: self.seconds.get(s, 0.0) + other.seconds.get(s, 0.0) for s in sorted(stages)},
        )

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Reply:
    """What a policy returned for one `Ask`."""

    text: str
    tokens: tuple[Token, ...] = ()
    """Generated tokens with log-probabilities; empty where the backend gives none."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    truncated: bool = False
    """True when the reply was cut by `max_tokens`."""
    confidence: float | None = None
    """Of the answer, as in `Answer`, where the backend tells it otherwise than by its tokens."""
    doubt: float | None = None
    """Of the answer, as in `Answer`, where the backend tells it otherwise than by its tokens."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the paper's loop (section 3.1): thought, sub-question, route, evidence, answer."""

    thought: str = ""
    sub_question: str | None = None
    """None when the policy knows enough and stops."""
    routes: tuple[str, ...] = ()
    """Names of the knowledge bases searched, in order; empty when the policy stops."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Probability of each route (KB name, or "none") as far as the log-probabilities tell; sums to at most 1. Where
    the knowledge bases were looked into, what was seen counts too."""
    sights: tuple[Sight, ...] = ()
    """What the policy was shown of each knowledge base when it planned, where the method looked before."""
    evidence: tuple[Evidence, ...] = ()
    answer_thought: str = ""
    answer: str = ""
    confidence: float | None = None
    """Of the answer, as in `Answer`."""
    doubt: float | None = None
    """About the answer, as in `Answer`."""
    note: str = ""
    """What the engine did beyond the plan, such as a second search after an empty one."""


Ending = Literal["", "supported", "unsure", "not_found"]
"""How an answer stands to its evidence: supported by it, not surely so, or not in the knowledge bases; empty where
nothing judged it."""


@dataclass(frozen=True, slots=True)
class Answer:
    thought: str
    text: str
    citations: tuple[Evidence, ...] = ()
    """The evidence that the answer rests on, most important first."""
    confidence: float | None = None
    """Geometric mean of the policy's probabilities of its words; None where the backend gave none."""
    doubt: float | None = None
    """The policy's probability of answering "unknown" in its place, as far as the log-probabilities tell."""
    ending: Ending = ""
    support: float | None = None
    """Probability that the evidence supports the answer; None where nothing judged it."""
    guess: str = ""
    """What the policy said, where it was declined."""
    nearest: Evidence | None = None
    """The best piece to look at, where an answer that was judged unsure or not found cites none."""


@dataclass(frozen=True, slots=True)
class TableQuery:
    """What a policy says in place of an answer: a query over the step's table."""

    thought: str
    sql: str
    confidence: float | None = None
    """Geometric mean of the policy's probabilities of its words; None where the backend gave none."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Everything that happened to one question. Grows by `add`, ends by `finish`."""

    question: Question
    steps: tuple[Step, ...] = ()
    answer: Answer | None = None
    stop: str = ""
    """Why it ended: enough, max_steps, repeated, tokens, seconds, retrievals, cost, format, no_evidence, error."""
    error: str = ""
    """What failed, where `stop` is "error"."""
    format_errors: tuple[str, ...] = ()
    """What was wrong with each reply that did not parse, in order."""
    usage: Usage = field(default_factory=Usage)
    method: str = ""

    def add(self, step: Step) -> Trajectory:
        return replace(self, steps=(*self.steps, step))

    def finish(self, answer: Answer, stop: str) -> Trajectory:
        return replace(self, answer=answer, stop=stop)

    @property
    def sources(self) -> tuple[Evidence, ...]:
        """The evidence cited by the final answer."""
        return self.answer.citations if self.answer else ()


# ── what a method yields ───────────────────────────────────────────────────────────────────────

Purpose = Literal["rewrite", "plan", "answer", "query", "final"]
"""What a reply decides: what a follow-up asks, the next step, a step's answer, whether its table is read or
queried, the end."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One tagged field of a reply, `<name>…</name>`, free text within bounds or one of `choices`."""

    name: str
    max_chars: int = 400
    min_chars: int = 1
    choices: tuple[str, ...] = ()
    spaced: bool = False
    """The text comes after a space, which readers drop. So a name begins with the token that it begins with inside a
    sentence, and a small model can copy it from the evidence."""
    grammar: str = ""
    """Rules in GBNF that the text follows, in place of free text. The first rule has the tag's name, the others begin
    with that name and a hyphen: `query ::= "SELECT " query-column`. Decoders that take no grammar see free text of at
    most `max_chars`; whoever reads the reply checks it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of a reply: alternatives, each a sequence of tags. `parse.py` turns it into grammars."""

    alternatives: tuple[tuple[Tag, ...], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A question, and the whole texts of the pieces of evidence that may answer it, best first."""

    question: str
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """A method's request for one model reply."""

    messages: tuple[Message, ...]
    purpose: Purpose
    shape: Shape | None = None
    """Backends that can, decode under it; the others are asked in words by the prompt."""
    labels: tuple[str, ...] = ()
    """Labels of routes, or answers, whose probabilities are wanted (log-probabilities are requested when not empty)."""
    max_tokens: int = 512
    reading: Reading | None = None
    """What the reply is read from, for policies that read otherwise than by the messages."""


@dataclass(frozen=True, slots=True)
class Search:
    """A method's request for evidence: the same query to each named knowledge base."""

    routes: tuple[str, ...]
    query: Query
    k: int = 5
    look: bool = False
    """Only to see what would be found, before a route is chosen: counted as a look, and never read as evidence."""


@dataclass(frozen=True, slots=True)
class Inspect:
    """A method's request for a `TableView`: what a question touches in a whole table."""

    kb: str
    id: str
    """Of one of its entries, as `Evidence.id` has it."""
    question: str
    joined: bool = False
    """Whether the other tables of its file are told, too, which a query may join."""
    likely: int = 0
    """How many of the queries that the question most likely means are told, at most."""


@dataclass(frozen=True, slots=True)
class Compute:
    """A method's request for a `TableResult`: what a query over a whole table gives. Fails with `QueryError`."""

    kb: str
    id: str
    sql: str
    joined: bool = False
    """Whether the query may name the other tables of its file."""


# ── what a method tells while it works (and a driver streams) ──────────────────────────────────


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A follow-up question now stands alone; comes first, and only where there were earlier turns."""

    question: Question


@dataclass(frozen=True, slots=True)
class Planned:
    index: int
    """0-based number of the step."""
    step: Step


@dataclass(frozen=True, slots=True)
class Retrieved:
    index: int
    step: Step
    """The step, now with evidence."""


@dataclass(frozen=True, slots=True)
class Computed:
    index: int
    step: Step
    """The step, its first piece of evidence now what a query over its table gave."""


@dataclass(frozen=True, slots=True)
class Answered:
    index: int
    step: Step
    """The step, now with its answer."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A reply that did not parse; the policy is asked again within a bound."""

    purpose: Purpose
    reason: str
    reply: str


@dataclass(frozen=True, slots=True)
class Finished:
    trajectory: Trajectory


Event = Rewritten | Planned | Retrieved | Computed | Answered | Malformed | Finished


# ── the seams ──────────────────────────────────────────────────────────────────────────────────


@runtime_checkable
class Policy(Protocol):
    """A language model. One implementation a file in `policies/`."""

    spec: str
    """What opens it again: "llamacpp:", "openai:MODEL@URL"."""

    @property
    def prompts(self) -> Path | None:
        """The prompt set that its weights were trained with; None for ours."""
        ...

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        """Answer one request. Many calls may be in flight at once. Raises `PolicyError`."""
        ...

    async def close(self) -> None:
        """Free what it holds (connections, weights). Safe to call twice."""
        ...


@runtime_checkable
class KnowledgeBase(Protocol):
    """Something that can be searched. One implementation a file in `kb/`."""

    @property
    def card(self) -> Card: ...

    def search(self, queries: Sequence[Query], *, k: int) -> list[list[Evidence]]:
        """The `k` best entries for each query, best first, or fewer; called from worker threads.

        A query that this knowledge base cannot serve (a picture alone, asked of a text KB) gets [].
        """
        ...


@runtime_checkable
class TableKnowledgeBase(KnowledgeBase, Protocol):
    """A knowledge base whose tables can be queried. `id`: of an entry (`Evidence.id`), or of its record."""

    def record(self, id: str) -> list[Evidence]:
        """All entries of one record, in order; [] where there is none of this id."""
        ...

    def columns(self, id: str) -> tuple[TableColumn, ...]:
        """The columns of a whole table as queries see them. Raises `KnowledgeBaseError` where `id` is no table."""
        ...

    def compute(self, id: str, sql: str, *, joined: bool = False) -> TableResult:
        """What a query over a whole table, called "t" in it, gives; called from worker threads.

        `joined`: it may name the other tables of the same file, too, as `inspect` tells them.
        Raises `QueryError` where the query is wrong or too costly, `KnowledgeBaseError` where `id` is no table.
        """
        ...

    def inspect(self, id: str, question: str, *, joined: bool = False, likely: int = 0) -> TableView:
        """What a question touches in a whole table; called from worker threads. Raises as `columns`.

        `joined`: with the other tables of the same file (`TableView.others`). `likely`: with so many of the likeliest
        queries (`TableView.likely`), at most.
        """
        ...


@runtime_checkable
class PictureKnowledgeBase(KnowledgeBase, Protocol):
    """A knowledge base that keeps the pictures which are its evidence."""

    def open_picture(self, name: str) -> Image:
        """The picture of this name (`Evidence.image`). Raises `KnowledgeBaseError` where there is none (any more)."""
        ...


@runtime_checkable
class TextEmbedder(Protocol):
    """Text to vectors. One implementation a file in `embedders/`."""

    spec: str
    """What opens it again, and what is stored with every index that it built."""
    dim: int

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> Any:
        """float32 array (len(texts), dim), rows of L2 norm 1. `query` for models that tell the two apart."""
        ...


@runtime_checkable
class ImageEmbedder(Protocol):
    """Pictures to vectors; with `embed_texts` too (CLIP, SigLIP), words find pictures."""

    spec: str
    dim: int

    def embed_images(self, images: Sequence[Image]) -> Any:
        """float32 array (len(images), dim), rows of L2 norm 1."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """Scores texts by how well they answer a question, reading both together. One a file in `rerankers/`."""

    spec: str
    """What opens it again."""

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """A score for each text, higher is better; called from worker threads. Raises `KnowledgeBaseError`."""
        ...


Parser = Callable[[Reply], Any]
