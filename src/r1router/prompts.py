"""Renders trajectories and evidence as messages: a prompt set is a folder of templates, ours is `prompt_sets/default`.

A template is a file `NAME.j2` in Jinja, cut into messages by lines `### system`, `### user`, `### assistant`.
An optional `set.toml` beside the templates holds

    [labels]            what the policy writes to choose a knowledge base, by its kind
    text = "Text Retriever"
    [limits]            characters; 0 leaves the thought out
    think = 200
    sub_question = 200
    answer = 300
    evidence = 1000     shown of one search, its most telling lines (see `focus`); 0 shows all
    [form]
    spaced_answers = true   the answer comes after a space (see `types.Tag`)
    answers = "copied"      an answer is a span of what is shown, yes, no or unknown, where a policy decodes under a
                            grammar (see `spans`); "free", the default, leaves it open
    table_queries = true    a step that found a table may query it (see `query_step`)
    joined_tables = true    … and join the other tables of its file, in any SQL: for policies that write it unaided
    likely_queries = 3      … or write one of so many queries that the question most likely means (see `tables.likely`),
                            for policies that decode under a grammar; 0, the default, leaves all that the table allows
    follow_ups = "joined"   a follow-up that needs it gets the question before in front; the default, "rewritten", has
                            the policy say what it asks

so that released weights can be served with the prompts that they were trained with: a folder `prompts` beside
the weights is taken with them (see `choose_prompts`). A set may hold a part; what it lacks is ours. Everything that
is put into a template is data: marks in it are made harmless (see `marks.neutralise`).
Training renders its rows with these same functions.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from r1router import parse
from r1router.conversation import keep_last
from r1router.errors import InputError
from r1router.evidence.folders import tell_folders
from r1router.evidence.shown import focus
from r1router.evidence.support import read_support
from r1router.marks import neutralise
from r1router.routing.odds import read_odds
from r1router.spans import drop_unknown, write_span_grammar
from r1router.tables.grammar import write_free_grammar, write_query_grammar
from r1router.tables.view import TableView, show_table
from r1router.types import (
    Ask,
    Card,
    Evidence,
    Image,
    Message,
    Policy,
    Purpose,
    Question,
    Reading,
    Role,
    Shape,
    Sight,
    Step,
    Tag,
    Trajectory,
)

DEFAULT = Path(__file__).parent / "prompt_sets" / "default"
LEAST = 120
"""Characters of evidence that are worth showing beside a table."""
_FORM = ("spaced_answers", "answers", "table_queries", "joined_tables", "likely_queries", "follow_ups")
_QUERY = 600
"""Characters of a query."""
_LIMITS = {"think": 200, "sub_question": 200, "answer": 300, "evidence": 0}
_OF_THE_KBS = frozenset(("kbs", "labels_in_words"))
_ROLE_LINE = re.compile(r"^### (system|user|assistant)[ \t]*\n", re.MULTILINE)


class Prompts:
    """A prompt set, read once. Every method turns data into one `Ask`; nothing here talks to a model."""

    def __init__(self, folder: str | Path = DEFAULT, *, limits: Mapping[str, int] | None = None) -> None:
        """`limits` are taken instead of the set's own, those of them that are given."""
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(
                f"there is no prompt set at {self.folder}; it is a folder of templates such as next_step.j2"
            )
        settings = self.folder / "set.toml"
        options = tomllib.loads(settings.read_text(encoding="utf-8")) if settings.exists() else {}
        _check_settings(options, settings)
        self._labels_by_kind: dict[str, str] = options.get("labels", {})
        self._limits: dict[str, int] = _LIMITS | options.get("limits", {}) | dict(limits or {})
        form = options.get("form", {})
        self.spaced_answers = bool(form.get("spaced_answers", False))
        self.copied_answers = form.get("answers", "free") == "copied"
        self.support = read_support(self.folder)
        """How an answer is judged by its evidence; None where answers are taken as they are."""
        self.table_queries = bool(form.get("table_queries", False))
        self.joined_tables = bool(form.get("joined_tables", False))
        self.rewrites_questions = form.get("follow_ups", "rewritten") == "rewritten"
        self.likely_queries = int(form.get("likely_queries", 0))
        self.odds = read_odds(self.folder)
        """How what is seen of the knowledge bases and what the policy says make up a route."""
        self._environment = ImmutableSandboxedEnvironment(
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            finalize=lambda value: neutralise(value) if isinstance(value, str) else value,
        )
        self._templates: dict[str, list[_Part]] = {}
        self._rendered_once = lru_cache(maxsize=512)(_render)

    def labels(self, kbs: Mapping[str, Card]) -> dict[str, str]:
        """Label to name of knowledge base. The set's label for a kind is used where one KB alone has it."""
        kinds = [card.kind for card in kbs.values()]
        named = {}
        for name, card in kbs.items():
            by_kind = self._labels_by_kind.get(card.kind) if kinds.count(card.kind) == 1 else None
            named[by_kind or card.label or name] = name
        if len(named) != len(kbs):
            raise InputError(f"two knowledge bases have the same label; labels: {', '.join(named)}")
        return named

    def shows_more_than(self, chars: int) -> bool:
        """Whether more characters of one search's evidence than these may be shown."""
        return not 0 < self._limits["evidence"] <= chars

    def sources(self) -> dict[str, str]:
        """File name to text of all that this set is made of: its own files, and our templates where it has none."""
        files = {p.name: p for p in DEFAULT.glob("*.j2")} | {p.name: p for p in self.folder.iterdir() if p.is_file()}
        return {name: files[name].read_text(encoding="utf-8") for name in sorted(files)}

    def rewrite(self, question: Question, *, template: str = "rewrite") -> Ask:
        """What does the last question of a conversation ask? Reply: `parse.read_query`, which says it in full."""
        shape = Shape(((Tag("sub-question", self._limits["sub_question"], min_chars=len(parse.STOP) + 2),),))
        return self._ask("rewrite", template, shape, Trajectory(question), turns=keep_last(question.turns))

    # ── the paper's three prompts; methods that take the same turn in other words name their template ──

    def next_step(
        self,
        trajectory: Trajectory,
        kbs: Mapping[str, Card],
        *,
        sights: Sequence[Sight] = (),
        template: str = "next_step",
    ) -> Ask:
        """What is still to be found out, and where? `sights`: what a look has seen. Reply: `parse.read_step`."""
        labels = self.labels(kbs)
        shape = parse.make_step_shape(
            list(labels), think=self._limits["think"], sub_question=self._limits["sub_question"]
        )
        return self._ask(
            "plan", template, shape, trajectory, labels=labels, sights=_seen(labels, sights), **_choices(labels, kbs)
        )

    def answer_step(self, trajectory: Trajectory, step: Step, *, template: str = "answer_step") -> Ask:
        """What does the evidence say to the sub-question, after this trajectory? Reply: `parse.read_answer`."""
        evidence = self._shown(step.sub_question or "", step.evidence)
        return self._ask(
            "answer", template, self._answer_shape(evidence, step.sub_question or ""), trajectory,
            thought=step.thought, sub_question=step.sub_question, evidence=evidence,
            reading=self._reading(step.sub_question or "", step.evidence),
        )  # fmt: skip

    def query_step(self, trajectory: Trajectory, step: Step, view: TableView, *, template: str = "query_step") -> Ask:
        """What does the evidence say, or what is its table to be asked? Reply: `parse.read_table_reply`.

        `view` is of the table that the first piece of evidence is from; the rest of that table's pieces is left out.
        Where it has tables that may be joined, any query may be written.
        """
        asked, table = step.sub_question or "", step.evidence[0]
        shown = show_table(view, self._limits["evidence"])
        limit = max(0, self._limits["evidence"] - shown.chars)
        others = [item for item in step.evidence if (item.kb, item.record) != (table.kb, table.record)]
        evidence = self._shown(asked, step.evidence, only=others, limit=limit)
        told = [{"text": "\n".join([shown.heading, *shown.rows])}, *evidence]
        grammar = write_free_grammar(_QUERY - len("SELECT ")) if view.others else write_query_grammar(view)
        return self._ask(
            "query", template, parse.add_query(self._answer_shape(told, asked), grammar, query=_QUERY), trajectory,
            thought=step.thought, sub_question=asked, table=shown, folder=tell_folders(step.evidence)[0],
            evidence=evidence,
        )  # fmt: skip

    def final_answer(self, trajectory: Trajectory, *, template: str = "final_answer") -> Ask:
        """What is the answer, from the steps so far? Reply: `parse.read_answer`."""
        known = [{"text": step.answer} for step in trajectory.steps if step.answer]
        return self._ask("final", template, self._answer_shape(known, trajectory.question.text), trajectory)

    def describe(self, counted: Sequence[str], samples: Sequence[str], *, longest: int) -> Ask:
        """What does a knowledge base hold, in one line of at most `longest` characters? Reply: `parse.read_answer`.

        `counted`: lines that say what there is of what; `samples`: texts from it.
        """
        messages = self._messages("describe", None, counted=counted, samples=samples)
        return Ask(messages, "answer", parse.make_answer_shape(think=0, answer=longest), max_tokens=64 + longest // 2)

    # ── the baselines' ─────────────────────────────────────────────────────────────────────────

    def answer_directly(self, question: Question, *, template: str, evidence: Sequence[Evidence] = ()) -> Ask:
        """The final answer in one call, by the named template. Reply: `parse.read_answer`."""
        shown = self._shown(question.text, evidence)
        shape = self._answer_shape(shown, question.text)
        reading = self._reading(question.text, evidence)
        return self._ask("final", template, shape, Trajectory(question), evidence=shown, reading=reading)

    def next_query(self, trajectory: Trajectory, *, template: str, think: bool = True) -> Ask:
        """What is to be searched next, by the named template? Reply: `parse.read_query`."""
        shape = parse.make_step_shape(
            None, think=self._limits["think"] if think else 0, sub_question=self._limits["sub_question"]
        )
        return self._ask("plan", template, shape, trajectory)

    def choose_route(self, question: Question, kbs: Mapping[str, Card], *, template: str) -> Ask:
        """Which knowledge base can answer the question, by the named template? Reply: `parse.read_route`."""
        labels = self.labels(kbs)
        shape = parse.make_step_shape(list(labels), think=0, sub_question=0)
        return self._ask("plan", template, shape, Trajectory(question), labels=labels, **_choices(labels, kbs))

    def next_sentence(self, trajectory: Trajectory, evidence: Sequence[Evidence], *, template: str) -> Ask:
        """How does the reasoning go on, by the named template? Reply: `parse.read_sentence`."""
        shape = parse.make_sentence_shape(sentence=self._limits["sub_question"])
        return self._ask("plan", template, shape, trajectory, evidence=self._shown(trajectory.question.text, evidence))

    def ask_again(self, ask: Ask, reply: str, reason: str) -> Ask:
        """The same request once more, with what was wrong with the last reply."""
        told = self._messages("again", None, reason=reason)
        messages = (*ask.messages, Message("assistant", reply or "(empty)"), *told)
        return Ask(messages, ask.purpose, ask.shape, ask.labels, ask.max_tokens)

    def insist(self, ask: Ask) -> Ask | None:
        """The same request, where "unknown" is no answer; None where the form leaves answers open."""
        if ask.shape is None or not any(tag.grammar for tags in ask.shape.alternatives for tag in tags):
            return None
        tags = tuple(
            tuple(replace(tag, grammar=drop_unknown(tag.grammar)) if tag.name == "answer" else tag for tag in tags)
            for tags in ask.shape.alternatives
        )
        return replace(ask, shape=Shape(tags))

    # ── rendering ──────────────────────────────────────────────────────────────────────────────

    def _shown(
        self, question: str, evidence: Sequence[Evidence], *, only: Sequence[Evidence] | None = None, limit: int = 0
    ) -> list[dict[str, Any]]:
        """The evidence as templates see it, each piece numbered by its rank, also where some are left out.

        `only` these pieces, in `limit` characters where a limit is set at all.
        """
        ranks = {id(item): rank for rank, item in enumerate(evidence, 1)}
        folders = tell_folders(evidence)
        if only is None:
            limit = self._limits["evidence"]
        elif self._limits["evidence"] and limit < LEAST:
            return []
        evidence = evidence if only is None else only
        return [
            {
                "number": ranks[id(item)],
                "text": text,
                "kb": item.kb,
                "title": item.title,
                "folder": folders[ranks[id(item)] - 1],
            }
            for item, text in (focus(question, evidence, limit) if limit else ((e, e.text) for e in evidence))
        ]

    def _reading(self, question: str, evidence: Sequence[Evidence]) -> Reading | None:
        """The question and the whole pieces, where answers are copied from them; a result is read in what it is of."""
        if not self.copied_answers or not evidence or evidence[0].result is not None:
            return None
        return Reading(question, tuple(item.text for item in evidence))

    def _answer_shape(self, shown: Sequence[Mapping[str, Any]], question: str) -> Shape:
        """The form of an answer; where the set has answers copied, from what is shown or from the question."""
        texts = (neutralise(text) for text in (*(item["text"] for item in shown), question))
        return parse.make_answer_shape(
            think=self._limits["think"],
            answer=self._limits["answer"],
            spaced=self.spaced_answers,
            grammar=write_span_grammar("answer", list(texts)) if self.copied_answers and shown else "",
        )

    def _ask(
        self,
        purpose: Purpose,
        template: str,
        shape: Shape,
        trajectory: Trajectory,
        *,
        labels: Mapping[str, str] | None = None,
        reading: Reading | None = None,
        **data: Any,
    ) -> Ask:
        """The template rendered with the question, the steps so far and `data`. `labels`: label to knowledge base."""
        question, labels = trajectory.question, labels or {}
        messages = self._messages(
            template, question.image, picture=question.image is not None,
            question=question.text, steps=_history(trajectory, labels), **data,
        )  # fmt: skip
        longest = max(sum(tag.max_chars if not tag.choices else 40 for tag in tags) for tags in shape.alternatives)
        wanted = tuple(labels) or ((parse.UNKNOWN,) if purpose != "plan" and self.support is not None else ())
        return Ask(messages, purpose, shape, wanted, max_tokens=64 + longest // 2, reading=reading)

    def _messages(self, template: str, image: Image | None, **data: Any) -> tuple[Message, ...]:
        """The template's messages; the question's picture goes with the last one of the user."""
        messages = [Message(part.role, self._text(part, data)) for part in self._parts(template)]
        if image is not None:
            last = max(i for i, message in enumerate(messages) if message.role == "user")
            messages[last] = Message("user", messages[last].content, (image,))
        return tuple(messages)

    def _text(self, part: _Part, data: Mapping[str, Any]) -> str:
        """A part that shows nothing but the knowledge bases, as instructions and examples do, is rendered once."""
        if part.shows <= _OF_THE_KBS:
            return self._rendered_once(part, tuple((name, data[name]) for name in sorted(part.shows)))
        return part.template.render(data).strip()

    def _parts(self, template: str) -> list[_Part]:
        """One for each message. Cut before rendering: data can never open a message."""
        if template not in self._templates:
            own, path = self.folder / f"{template}.j2", DEFAULT / f"{template}.j2"
            if own.exists():
                path = own
            elif not path.exists():
                raise InputError(f"neither the prompt set {self.folder} nor ours has a template {path.name}")
            pieces = _ROLE_LINE.split(path.read_text(encoding="utf-8"))
            if pieces[0].strip() or "user" not in pieces[1::2]:
                raise InputError(f"{path} must begin with a line `### system` or `### user` and have a user message")
            try:
                parts = [self._part(role, body) for role, body in zip(pieces[1::2], pieces[2::2], strict=True)]
            except jinja2.TemplateSyntaxError as error:
                raise InputError(f"{path}: {error}") from error
            self._templates[template] = parts
        return self._templates[template]

    def _part(self, role: str, body: str) -> _Part:
        shows = meta.find_undeclared_variables(self._environment.parse(body))
        return _Part(cast(Role, role), self._environment.from_string(body), frozenset(shows))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The template of one message."""

    role: Role
    template: jinja2.Template
    shows: frozenset[str]
    """Names of the data in it."""


class _Choice(NamedTuple):
    """A knowledge base as templates see it."""

    label: str
    kind: str
    holds: str
    details: str


def _render(part: _Part, data: tuple[tuple[str, Any], ...]) -> str:
    return part.template.render(data).strip()


def _check_settings(options: Mapping[str, Any], path: Path) -> None:
    known = {"labels": None, "limits": _LIMITS, "form": _FORM}
    unknown = options.keys() - known.keys()
    for section, names in known.items():
        unknown |= options.get(section, {}).keys() - names if names is not None else set()
    if unknown:
        raise InputError(
            f"{path}: unknown settings {', '.join(sorted(unknown))}; "
            f"known: labels, limits ({', '.join(_LIMITS)}), form ({', '.join(_FORM)})"
        )
    form = options.get("form", {})
    if form.get("follow_ups", "rewritten") not in ("rewritten", "joined"):
        raise InputError(f"{path}: follow_ups is 'rewritten' or 'joined', not {form['follow_ups']!r}")
    likely = form.get("likely_queries", 0)
    if not isinstance(likely, int) or isinstance(likely, bool) or likely < 0:
        raise InputError(f"{path}: likely_queries is a number, 0 or more, not {likely!r}")


def _history(trajectory: Trajectory, labels: Mapping[str, str]) -> list[dict[str, str]]:
    label_of = {name: label for label, name in labels.items()}
    return [
        {
            "thought": step.thought,
            "sub_question": step.sub_question or "",
            "kb": ", ".join(label_of.get(name, name) for name in step.routes),
            "answer": step.answer or parse.UNKNOWN,
        }
        for step in trajectory.steps
    ]


def _choices(labels: Mapping[str, str], kbs: Mapping[str, Card]) -> dict[str, Any]:
    cards = tuple(_Choice(label, kbs[name].kind, kbs[name].holds, kbs[name].details) for label, name in labels.items())
    return {"kbs": cards, "labels_in_words": " | ".join([*labels, parse.STOP])}


def _seen(labels: Mapping[str, str], sights: Sequence[Sight]) -> list[dict[str, Any]]:
    """The sights as templates see them, in the order of the labels: shares in whole percent."""
    of = {sight.kb: sight for sight in sights}
    return [
        {
            "label": label,
            "line": of[name].line,
            "near": round(100 * of[name].similarity),
            "matched": round(100 * of[name].matched),
        }
        for label, name in labels.items()
        if name in of
    ]


# ── which set ──────────────────────────────────────────────────────────────────────────────────


def choose_prompts(named: Prompts | str | Path | None, policy: Policy | None) -> Prompts:
    """The set to ask `policy` with: the one that is named, else the one that its weights bring, else ours."""
    if isinstance(named, Prompts):
        return named
    # A policy that was written before there was this attribute brings none.
    folder = Path(named or getattr(policy, "prompts", None) or DEFAULT)
    return _read_once(folder, _state_of(folder), _state_of(DEFAULT))


@lru_cache(maxsize=16)
def _read_once(folder: Path, *states: object) -> Prompts:
    """The set in this folder. To compile its templates takes longer than to ask an instant policy."""
    return Prompts(folder)


def _state_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells whether a file of the folder has changed."""
    if not folder.is_dir():
        return ()
    with os.scandir(folder) as files:
        found = [(file.name, file.stat()) for file in files if file.is_file()]
    return tuple(sorted((name, status.st_mtime_ns, status.st_size) for name, status in found))


def find_prompts_beside(*places: Path | None) -> Path | None:
    """The folder `prompts` with templates in it at the first of these places that has one."""
    sets = (place / "prompts" for place in places if place is not None)
    return next((folder for folder in sets if any(folder.glob("*.j2"))), None)
