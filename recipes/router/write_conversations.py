"""Writes follow-up questions as training steps, because nothing is found by the words "and when was he born?".

    python recipes/router/write_conversations.py OUT.jsonl [--folders 40] [--seed 0] [--dev]

Conversations are made from the folders of `folders/`, filled anew: a question and its answer, then one that needs them.

  pronoun   the second hop of a question in two steps, with a pronoun in place of the first one's answer
  other     the same question of another row of its table, of which only the name is typed: "and Ann Low?"
  new       a question of its own, which is to be repeated as it is

One conversation in three has a turn before that has nothing to do with it. The right reply is the question in full.
`--dev` takes the kinds of folders that `write_folder_steps.py` keeps apart.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator
from pathlib import Path

from made_folders import Asked, Made, fill, find_answer, read_folders, roughen
from write_folder_steps import KEPT_APART

from r1router.train.steps.step_file import Gold, TrainingStep, write_steps
from r1router.types import Turn

PRONOUNS = {
    "en": ("it", "that one", "this one", "he", "she", "they"),
    "de": ("der", "die", "das da", "dieser", "diese"),
    "fr": ("celui-ci", "celle-ci", "cela"),
    "es": ("ese", "esa", "este"),
    "zh": ("它", "那个", "这个"),
}
AND = {
    "en": ("and {}?", "what about {}?", "and for {}?", "{}?", "same for {}"),
    "de": ("und {}?", "und bei {}?", "{}?", "und was ist mit {}?"),
    "fr": ("et {} ?", "et pour {} ?", "{} ?"),
    "es": ("¿y {}?", "¿y para {}?", "{}?"),
    "zh": ("那{}呢?", "{}呢?"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--folders", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dev", action="store_true")
    given = parser.parse_args()
    pool = [lines for lines in read_folders() if (lines[0][2:].split("|")[0].strip() in KEPT_APART) == given.dev]
    rows: list[TrainingStep] = []
    for number in range(given.folders):
        rng = random.Random(f"conversations/{given.seed}/{given.dev}/{number}")
        made = fill(rng.choice(pool), rng)
        told = list(_converse(made, rng))
        rows += [
            TrainingStep(
                f"talk{'.dev' * given.dev}-{number}-{made.name.replace(' ', '_')}-{place}/0/rewrite",
                "rewrite",
                question,
                turns=tuple(turns),
                gold=Gold(sub_question=full),
                source="conversations",
            )
            for place, (turns, question, full) in enumerate(told)
        ]
    print(f"{write_steps(rows, given.out)} steps")


def _converse(made: Made, rng: random.Random) -> Iterator[tuple[list[Turn], str, str]]:
    """(what was said, the follow-up as typed, the same in full)."""
    for asked in made.asked:
        for before, answer, question, full in (*_use_pronouns(made, asked, rng), *_ask_of_others(made, asked, rng)):
            yield _say(made, before, answer, rng), question, full
    single = [asked for asked in made.asked if len(asked.hops) == 1]
    for asked in rng.sample(single, min(len(single), 4)):
        other = rng.choice(single)
        if other is not asked:
            question = roughen(asked.question, rng)
            yield _say(made, other.question, _tell(made, other), rng), question, question


def _use_pronouns(made: Made, asked: Asked, rng: random.Random) -> Iterator[tuple[str, str, str, str]]:
    for first, second in zip(asked.hops, asked.hops[1:], strict=False):
        if first.answer and first.answer in second.sub_question:
            pronoun = rng.choice(PRONOUNS[made.language])
            question = second.sub_question.replace(first.answer, pronoun, 1)
            yield first.sub_question, first.answer, _lead(question, made.language, rng), second.sub_question


def _ask_of_others(made: Made, asked: Asked, rng: random.Random) -> Iterator[tuple[str, str, str, str]]:
    if len(asked.hops) != 1 or asked.hops[0].kind != "table":
        return
    table = made.tables[asked.hops[0].path]
    for value in re.findall(r"\"[^\"]+\" = '([^']+)'", asked.hops[0].sql):
        column = next((n for n in range(len(table.header)) if any(row[n] == value for row in table.rows)), None)
        others = sorted({row[column] for row in table.rows} - {value}) if column is not None else []
        if others and asked.question.count(value) == 1:
            other = rng.choice(others)
            question = rng.choice(AND[made.language]).format(other)
            yield asked.question, _tell(made, asked), question, asked.question.replace(value, other)


def _lead(question: str, language: str, rng: random.Random) -> str:
    lead = {"en": "and ", "de": "und ", "fr": "et ", "es": "y ", "zh": "那"}[language]
    return lead + question[0].lower() + question[1:] if rng.random() < 0.5 else question


def _say(made: Made, question: str, answer: str, rng: random.Random) -> list[Turn]:
    turns = [Turn("user", roughen(question, rng)), Turn("assistant", answer)]
    if rng.random() < 1 / 3:
        other = rng.choice(made.asked)
        turns = [Turn("user", other.question), Turn("assistant", _tell(made, other)), *turns]
    return turns


def _tell(made: Made, asked: Asked) -> str:
    """What was said to a question: its answer, computed where it is from a table."""
    return asked.answer or (find_answer(made, asked.hops[-1]) if asked.hops else "") or "unknown"


if __name__ == "__main__":
    main()
