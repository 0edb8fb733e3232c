"""Makes training steps by a teacher, who works questions with the live retriever; what ended right is kept.

The teacher's work is an evaluation run of the method `r1_router` in the folder `OUT.run`, so it is concurrent, goes on
after a kill without asking anything twice, and can be looked at (`r1router show OUT.run`). The paper has R1-Distill-
Qwen-32B teach this way (arXiv 2505.22095, section 3.2).

A trajectory is kept where the teacher found enough, or used all its steps, looked something up, and its final answer
is right. Being right says nothing of each step, so a step that brought no answer gives no rows of its own: it stands
in the history of the later ones, which show how to go on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from r1router.api import Parts, Setup, open_setup
from r1router.drive import threads
from r1router.drive.many import IN_FLIGHT
from r1router.drive.one import stream
from r1router.drive.record import Recording
from r1router.errors import InputError, R1RouterError
from r1router.evals.answers import Score, read_prediction, read_range
from r1router.evals.metrics import contains, exact_match, load_score
from r1router.evals.run import CONFIG, RECORD, RunLine, evaluate, read_run
from r1router.evidence.abstaining import abstains
from r1router.parse import NO_ROUTE, UNKNOWN
from r1router.train.steps.step_file import Gold, Past, TrainingStep, write_steps
from r1router.types import Card, Evidence, Example, Planned, Step, Trajectory

METHOD = "r1_router"
METRIC, AT_LEAST = "length_aware", 0.5
"""An answer is right from here on: all its words, with about as many others at most."""
KEPT = "kept"
_GOOD_STOPS = frozenset(("enough", "max_steps"))
_TAUGHT = "~taught"
"""Ends the ids of these trajectories, so that a file of gold steps of the same questions can be read beside."""


@dataclass(frozen=True, slots=True)
class Synthesis:
    steps: int
    """Rows written."""
    kept: int
    """Trajectories that they come from."""
    dropped: Mapping[str, int]
    """Reason → trajectories, the most frequent first."""
    run: Path
    """The folder of the teacher's run."""


def find_run_folder(out: Path) -> Path:
    return out.with_name(out.name + ".run")


def synthesize(
    examples: Sequence[Example],
    out: Path,
    setup: Setup,
    *,
    source: str,
    metric: str = METRIC,
    at_least: float = AT_LEAST,
    in_flight: int = IN_FLIGHT,
    tell: Callable[[str], None] | None = None,
) -> Synthesis:
    """Write the steps of the kept trajectories to `out`; `setup` is the teacher's, `source` the data set's name.

    Goes on where it was interrupted. An answer is right where `metric` gives it `at_least` so much. `tell` hears the
    verdict on each trajectory as it ends, those found on resuming first. Raises `InputError` where no trajectory is
    kept, and where `OUT.run` is of other questions or settings; `metric` and `at_least` may differ.
    """
    folder, score = find_run_folder(out), load_answer_score(metric)

    def judge(row: RunLine) -> str:
        return judge_trajectory(row.trajectory, row.example, score=score, at_least=at_least)

    with open_setup(replace(setup, method=METHOD)) as parts:
        evaluate(
            examples,
            folder,
            replace(setup, policy=parts["policy"], kbs=parts["kbs"], reranker=parts["reranker"]),
            dataset=source,
            methods=[METHOD],
            in_flight=in_flight,
            tell=(lambda row: tell(judge(row))) if tell else None,
        )
        return _write_kept(out, read_run(folder)[1], judge, parts, source)


def _write_kept(
    out: Path, worked: list[RunLine], judge: Callable[[RunLine], str], parts: Parts, source: str
) -> Synthesis:
    folder = find_run_folder(out)
    verdicts = [judge(row) for row in worked]
    kept = [row for row, said in zip(worked, verdicts, strict=True) if said == KEPT]
    dropped = dict(Counter(said for said in verdicts if said != KEPT).most_common())
    if not kept:
        reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.items())
        failed = next((f"; the first error: {row.trajectory.error}" for row in worked if row.trajectory.error), "")
        raise InputError(
            f"none of {len(worked)} trajectories is kept ({reasons}){failed}; "
            f"see them with: r1router show {folder} --list all"
        )
    replay = parts | {"record": Recording(folder / RECORD, replay=True)}
    cards = tuple(kb.card for kb in parts["kbs"].values())

    def steps() -> Iterator[TrainingStep]:
        for row in kept:
            last = threads.wait_for(_last_plan(row.example, replay, folder))
            yield from cut_into_steps(row.trajectory, row.example, cards, source=source, last_plan=last)

    return Synthesis(write_steps(steps(), out), len(kept), dropped, folder)


def load_answer_score(metric: str) -> Score:
    """The metric's score of an answer. Raises `InputError` for one that judges something else."""
    score = load_score(metric)
    if score is None:
        raise InputError(f"the metric {metric!r} does not judge answers; take length_aware, exact_match, …")
    return score


def find_unfinished(examples: Sequence[Example], out: Path) -> list[Example]:
    """The examples that an interrupted run has still to work."""
    folder = find_run_folder(out)
    rows = read_run(folder)[1] if (folder / CONFIG).exists() else []
    done = {row.example.id for row in rows if row.trajectory.stop != "error"}
    return [example for example in examples if example.id not in done]


def judge_trajectory(trajectory: Trajectory, example: Example, *, score: Score, at_least: float = AT_LEAST) -> str:
    """`KEPT`, or why a trajectory is dropped."""
    if trajectory.stop not in _GOOD_STOPS:
        return f"stop: {trajectory.stop}"
    if not trajectory.steps:
        return "nothing looked up"
    value = score(read_prediction(trajectory), example.answers, question=example.question.text)
    if value is None:
        return "not judged"
    return KEPT if value >= at_least else "wrong answer"


def cut_into_steps(
    trajectory: Trajectory,
    example: Example,
    cards: tuple[Card, ...],
    *,
    source: str = "",
    last_plan: Step | None = None,
) -> Iterator[TrainingStep]:
    """The steps of a trajectory: a plan and an answer for each step that brought one, the stop, the final answer.

    The gold is what the teacher said, and as gold evidence what of it says the step's answer. `last_plan` is
    how it stopped, with its thought and what it was shown, which a trajectory does not hold.
    """
    question, name = example.question, example.id + _TAUGHT
    common: dict[str, Any] = {
        "question": question.text, "picture": question.image.name if question.image else "", "source": source,
    }  # fmt: skip
    history: tuple[Past, ...] = ()
    for index, step in enumerate(map(_on_one_line, trajectory.steps)):
        asked, kb = step.sub_question or "", step.routes[-1]  # the last one searched is where the evidence is from
        if not abstains(step.answer):
            ids = _said_in(step.evidence, step.answer)
            plan = Gold(step.thought, asked, kb, ids)
            read = Gold(step.answer_thought, evidence_ids=ids, answers=(step.answer,))
            yield TrainingStep(
                f"{name}/{index}/plan", "plan", history=history, kbs=cards, sights=step.sights, gold=plan, **common
            )
            yield TrainingStep(
                f"{name}/{index}/answer", "answer", history=history,
                sub_question=asked, evidence=step.evidence, gold=read, **common,
            )  # fmt: skip
        history = (*history, Past(asked, step.answer or UNKNOWN, kb))
    count = len(trajectory.steps)
    if trajectory.stop == "enough":
        ended = last_plan or Step()
        stop = Gold(_one_line(ended.thought), None, NO_ROUTE)
        yield TrainingStep(
            f"{name}/{count}/plan", "plan", history=history, kbs=cards, sights=ended.sights, gold=stop, **common
        )
    thought = _one_line(trajectory.answer.thought) if trajectory.answer else ""
    final = Gold(thought, answers=_best_first(_one_line(read_prediction(trajectory)), example.answers))
    yield TrainingStep(f"{name}/{count}/final", "final", history=history, gold=final, **common)


def _said_in(evidence: Sequence[Evidence], answer: str) -> tuple[str, ...]:
    """The records (or entries) that say the answer, word for word."""
    return tuple(dict.fromkeys(e.record or e.id for e in evidence if contains.score(e.text, [answer])))


def _best_first(said: str, answers: tuple[str, ...]) -> tuple[str, ...]:
    """The teacher's own words instead of an accepted answer that is the same but for case and the like: they follow
    from its thought. A range has no words of its own."""
    if not exact_match.score(said, answers):
        return answers
    return (said, *(a for a in answers if read_range(a) or not exact_match.score(said, (a,))))


def _on_one_line(step: Step) -> Step:
    """As a grammar would have had it written."""
    return replace(
        step,
        thought=_one_line(step.thought),
        sub_question=_one_line(step.sub_question or ""),
        answer_thought=_one_line(step.answer_thought),
        answer=_one_line(step.answer),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


async def _last_plan(example: Example, replay: Parts, folder: Path) -> Step | None:
    """The teacher's last plan, from the record of its run."""
    last = None
    try:
        async for event in stream(example.question, **replay):
            if isinstance(event, Planned):
                last = event.step
    except R1RouterError as error:
        raise InputError(
            f"{error}: the knowledge bases or what their cards say have changed since {folder / RECORD} was written; "
            f"remove {folder} to work the questions again"
        ) from error
    return last
