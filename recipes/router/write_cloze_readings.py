"""Sentences of passages to training steps that read one answer, because written questions are few and passages many.

    python recipes/router/write_cloze_readings.py BENCH OUT.jsonl [--steps 20000] [--seed 0]

BENCH holds kb/text/passages.jsonl.gz and questions/*.dev.jsonl; what a dev question has as evidence is left out. A step
takes one sentence, asks by rules for a date, a number, a name or what something is (Lewis et al. 2019, arXiv
1906.04980, "unsupervised question answering by cloze translation"), and loses some words, so that a question does not
repeat its sentence. Its pieces are the passage and another one that has many words of the question.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from r1router.parse import UNKNOWN
from r1router.train.steps.step_file import Gold, TrainingStep, write_steps
from r1router.types import Evidence

MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
SMALL = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
NUMBER = rf"(?:\d[\d,]*(?:\.\d+)?|{'|'.join(SMALL)})"
NAME = r"[A-Z][\w'’.-]*(?:(?: (?:of|the|de|von|van|and|du|la))? [A-Z][\w'’.-]*)*"
PEOPLE = re.compile(
    r"\((?:born|[^)]*\d{4}\s*[-–])|\b(?:actor|actress|singer|player|politician|footballer|writer|author|director|"
    r"musician|driver|racer|coach|king|queen|poet|composer|rapper|songwriter|athlete|swimmer|cyclist|golfer|boxer|"
    r"wrestler)\b"
)
PLACES = re.compile(
    r"\b(?:city|town|village|county|country|state|municipality|capital|district|province|island|region|suburb)\b"
)
THINGS = re.compile(
    r"\b(?:is|was) (?:an?|the) (?:[\w-]+ ){0,3}?(film|album|song|series|team|club|company|school|university|party|"
    r"river|railway|band|season|race|stadium|league|book|novel|game|ship)\b"
)
AUXILIARY = re.compile(r"\b(is|are|was|were|has|had|have|can|could|will|would|may|must|does|did)\b")
LITTLE = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "in",
        "on",
        "at",
        "to",
        "and",
        "or",
        "by",
        "for",
        "with",
        "from",
        "as",
        "its",
        "his",
        "her",
        "their",
        "that",
        "which",
        "also",
    ]
)
PRONOUNS = frozenset(
    ["he", "she", "it", "they", "this", "these", "there", "when", "while", "after", "before", "during"]
)
BEGINS = re.compile(r"^(?:He|She|It|They|The (?:film|album|song|club|team|city|town|band|series|company|school))\b")
"""What a sentence says in place of its passage's title."""
NAMED = 0.8
OTHERS = 40
"""Passages among which the one with most words of the question is taken as the other piece."""
LONGEST = 60
"""Characters of an answer that says what something is."""


class Passage(NamedTuple):
    id: str
    title: str
    text: str


class Blank(NamedTuple):
    """A place of a sentence, and the words that ask for it."""

    begin: int
    end: int
    ask: str


def read_passages(bench: Path) -> list[Passage]:
    known = set()
    for file in (bench / "questions").glob("*.dev.jsonl"):
        known |= set(re.findall(r"text-\w+", file.read_text(encoding="utf-8")))
    with gzip.open(bench / "kb/text/passages.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Passage(r["id"], r["title"], r["text"])
        for r in rows
        if r["source"] == "ott-qa/wikipedia" and r["id"] not in known
    ]


def sort_names(passages: Sequence[Passage]) -> dict[str, str]:
    """The word that asks for each title, by what its passage says that it is."""
    asked = {}
    for passage in passages:
        first = passage.text[:160]
        if PEOPLE.search(first):
            asked[passage.title] = "who"
        elif PLACES.search(first):
            asked[passage.title] = "which place"
        elif kind := THINGS.search(first):
            asked[passage.title] = f"which {kind[1]}"
    return asked


def find_blanks(sentence: str, names: dict[str, str], rng: random.Random) -> Iterator[Blank]:
    """Places that can be asked for."""
    for m in re.finditer(rf"\b(?:\d{{1,2}} {MONTH} \d{{4}}|{MONTH} \d{{1,2}}, \d{{4}}|{MONTH} \d{{4}})\b", sentence):
        yield Blank(*m.span(), rng.choice(["when", "when", "on what date", "which day"]))
    for m in re.finditer(r"\b(?:in|since|until|by|from) ((?:1[5-9]|20)\d\d)\b", sentence):
        yield Blank(*m.span(1), rng.choice(["when", "in which year", "what year", "since when"]))
    for m in re.finditer(rf"[$€£]{NUMBER}(?: (?:million|billion))?", sentence):
        yield Blank(*m.span(), rng.choice(["how much", "what amount", "how much money"]))
    for m in re.finditer(
        rf"(?<![\w.,$€£-])({NUMBER})((?: [a-z]+ly)? [a-z]+(?:ing|ed|ional|ic|al)?(?: [a-z]+s)?\b)?", sentence
    ):
        after = (m[2] or "").strip()
        if re.fullmatch(r"(?:1[5-9]|20)\d\d", m[1]):
            continue
        if re.match(r"(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?)\b", after):
            yield Blank(m.start(), m.start(2) + 1 + len(after.split()[0]), rng.choice(["how long", "for how long"]))
            yield Blank(*m.span(1), f"how many {after.split()[0]}")
        elif re.match(r"(?:km|kilomet|met(?:er|re)s?|miles?|feet|ft|m)\b", after):
            yield Blank(
                m.start(),
                m.start(2) + 1 + len(after.split()[0]),
                rng.choice(["how far", "how long", "how high", "what distance"]),
            )
        elif after.endswith("s") and after.split()[0] not in LITTLE:
            yield Blank(*m.span(), f"how many {after}")
        elif re.match(r"\s?(?:%|percent|per cent)", sentence[m.end(1) :]):
            yield Blank(*m.span(1), rng.choice(["what percentage", "how many percent"]))
    for m in re.finditer(NAME, sentence):
        text = m[0].rstrip(".'’-")
        end = m.start() + len(text)
        if text in names:
            yield Blank(m.start(), end, names[text])
        elif (
            m.start() > 0 and len(text) > 3 and text.split()[0] not in ("The", "In", "It", "He", "She", "They", "This")
        ):
            before = sentence[: m.start()].split()[-1].strip("(,").casefold()
            word = {"by": "who", "in": "where", "at": "where", "near": "where", "named": "what name", "called": "what",
                    "coach": "who", "president": "who", "director": "who", "with": "who"}.get(before)  # fmt: skip
            yield Blank(m.start(), end, word or rng.choice(["what", "which one", "who", "what name"]))
    for m in re.finditer(
        r"\b(?:is|was|are|were) ((?:an?|the) [a-z][^,.;(]+?)(?= that | which | who | in which |[,.;(]|$)", sentence
    ):
        if len(m[1]) <= LONGEST:
            yield Blank(*m.span(1), rng.choice(["what", "what kind of thing", "what"]))
    for m in re.finditer(r"\b(?:because|in order to|due to) ([^,.;]{12,90})(?=[,.;]|$)", sentence):
        yield Blank(*m.span(1), "why")


def front(ask: str, sentence: str, begin: int, end: int) -> str:
    """The words that ask, put first; the auxiliary verb before its subject, where there is one."""
    before, after = sentence[:begin].rstrip(), sentence[end:].lstrip(" ")
    if not before:
        return f"{ask} {after}"
    before = re.sub(r"\b(?:in|on|at|since|until|by|from|for|of)$", "", before).rstrip() if ask != "who" else before
    if found := AUXILIARY.search(before):
        subject, rest = before[: found.start()].strip(), before[found.end() :].strip()
        return f"{ask} {found[1]} {subject} {rest} {after}"
    return f"{ask} {ask_with_did(before)} {after}"


def ask_with_did(before: str) -> str:
    """'the club moved' to 'did the club move', where a verb in its past can be told."""
    found = re.search(r" (\w{2,})ed\b", before)
    if not found:
        return before
    stem = found[1]
    verb = stem if re.search(r"[^aeiou]{2}$|[aeiou]{2}\w$|[ywxl]$", stem) else stem + "e"
    return f"did{' ' + before[: found.start()].strip()} {verb}{before[found.end() :]}"


def shorten(sentence: str, blank: Blank, rng: random.Random) -> tuple[str, Blank]:
    """The sentence with some of its clauses only, the blank's among them."""
    cuts = [0, *(m.end() for m in re.finditer(r"[,;] ", sentence)), len(sentence)]
    at = next(n for n in range(len(cuts) - 1) if cuts[n] <= blank.begin < cuts[n + 1])
    first = at - (rng.random() < 0.4 and at > 0)
    last = next(n for n in range(1, len(cuts)) if cuts[n] >= blank.end)
    last += rng.random() < 0.3 and last < len(cuts) - 1
    begin, end = cuts[first], cuts[last]
    if end - begin < 35:
        begin, end = 0, len(sentence)
    part = sentence[begin:end].rstrip(",; ")
    return part, blank._replace(begin=blank.begin - begin, end=blank.end - begin)


def lose(question: str, rng: random.Random) -> str:
    """Without some of its words, the little ones first; sometimes in small letters."""
    words = re.sub(r"\([^)]*\)", " ", question).replace("(", " ").replace(")", " ").split()
    share = rng.choice([0, 0, 0.1, 0.2, 0.35])
    kept = [w for n, w in enumerate(words) if n < 2 or rng.random() > share * (1.6 if w.casefold() in LITTLE else 0.8)]
    text = " ".join(kept[:32]).strip(" .,;:'\"")
    text = text.casefold() if rng.random() < 0.25 else text[:1].upper() + text[1:]
    return text + ("" if rng.random() < 0.25 else "?")


def name_subject(sentence: str, title: str, rng: random.Random) -> str:
    """The title in place of the pronoun that the sentence begins with, most times, so that it can stand alone."""
    if rng.random() >= NAMED:
        return sentence
    return BEGINS.sub(lambda _: re.sub(r" \(.*\)$", "", title), sentence)


def write_question(sentence: str, title: str, blank: Blank, rng: random.Random) -> str:
    part, place = shorten(sentence, blank, rng)
    begin, end = place.begin, place.end
    how = rng.random()
    if how < 0.65:
        small = part.split()[0].casefold() in LITTLE | PRONOUNS
        text = front(place.ask, part[:1].lower() + part[1:] if small else part, begin, end)
    elif how < 0.85:
        text = f"{part[:begin]}{place.ask}{part[end:]}"
    else:
        words = [w for w in re.findall(r"[\w'-]+", part[:begin] + " " + part[end:]) if w.casefold() not in LITTLE]
        rng.shuffle(words)
        text = f"{rng.choice([place.ask, ''])} {' '.join(words[:7])}"
    return lose(name_subject(text, title, rng) if how >= 0.65 else text, rng)


def cut_words(text: str) -> frozenset[str]:
    return frozenset(w for w in re.findall(r"\w+", text.casefold()) if w not in LITTLE)


def write_readings(passages: Sequence[Passage], count: int, rng: random.Random) -> Iterator[TrainingStep]:
    names = sort_names(passages)
    words = [cut_words(p.title + " " + p.text) for p in passages]
    holders: dict[str, list[int]] = defaultdict(list)
    for number, passage in enumerate(passages):
        for word in cut_words(passage.title):
            holders[word].append(number)
    made = 0
    while made < count:
        number = rng.randrange(len(passages))
        passage = passages[number]
        sentences = [s for s in re.split(r"(?<=[a-z)\d]\.) (?=[A-Z])", passage.text) if 40 < len(s) < 320]
        if not sentences:
            continue
        sentence = rng.choice(sentences)
        named = name_subject(sentence, passage.title, rng)
        blanks = [b for b in find_blanks(named, names, rng) if named[b.begin : b.end] in sentence]
        if not blanks:
            continue
        kind = rng.choice(sorted({b.ask.split()[0] for b in blanks}))
        blank = rng.choice([b for b in blanks if b.ask.split()[0] == kind])
        answer = named[blank.begin : blank.end].strip()
        question = write_question(named, passage.title, blank, rng)
        # a name that stands often in its passage is what that is about
        if len(question.split()) < 3 or answer.casefold() in question.casefold() or passage.text.count(answer) > 2:
            continue
        asked = cut_words(question)
        near = [n for word in asked for n in rng.sample(holders[word], min(4, len(holders[word])))]
        near += rng.sample(range(len(passages)), OTHERS)
        others = sorted({n for n in near if n != number and answer.casefold() not in passages[n].text.casefold()},
                        key=lambda n: (-len(words[n] & asked), n))  # fmt: skip
        is_unknown = rng.random() < 0.15
        chosen = others[:2] if is_unknown else [number, *others[:1]]
        evidence = [Evidence("text", passages[n].id, f"{passages[n].title}\n{passages[n].text}", 1.0) for n in chosen]
        gold = Gold(
            thought="Nothing says it." if is_unknown else "Piece 1 says it.",
            answers=(UNKNOWN if is_unknown else answer,),
        )
        id_ = f"cloze/{made}/answer"
        yield TrainingStep(
            id_, "answer", question, sub_question=question, evidence=tuple(evidence), gold=gold, source="cloze"
        )
        made += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    passages = read_passages(given.bench)
    steps = list(write_readings(passages, given.steps, random.Random(given.seed)))
    write_steps(steps, given.out)
    print(f"{len(steps)} steps from {len(passages)} passages in {given.out}")


if __name__ == "__main__":
    main()
