"""Implements `r1router show`: prints a trajectory beside its gold steps, to show where it went wrong."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer
from rich import box
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from r1router.cli import options, render
from r1router.codec import to_dict
from r1router.errors import InputError, UnknownName
from r1router.types import Evidence, Example, Trajectory

if TYPE_CHECKING:
    from r1router.evals.run import RunLine

Which = Literal["wrong", "right", "error", "all"]
_RIGHT = 0.5
"""Least score of a right answer."""
_CUT = 160
"""Characters of an answer in the overview."""


class _Shown(NamedTuple):
    label: str
    row: RunLine
    scores: dict[str, float]
    kinds: Mapping[str, str]
    """The run's knowledge bases, name to kind."""


def show(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    id_: Annotated[str | None, typer.Option("--id", help="Id of the question.", metavar="ID")] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option("--method", help="Method whose trajectory is shown; repeat for more. [the first]"),
    ] = None,
    diff: Annotated[Path | None, typer.Option(help="Another run; shows where the two part.")] = None,
    list_: Annotated[Which | None, typer.Option("--list", help="List questions, the worst first.")] = None,
    primary: options.Primary = None,
    as_json: options.AsJson = False,
) -> None:
    """Show how a question of a run was answered.

    The trajectory stands beside what the data set knows of it. --list names the questions of a run.
    """
    from r1router.evals.report.summary import PRIMARY

    console, primary = Console(), primary or PRIMARY
    shown = _read(run, methods, f" ({run.resolve().name})" if diff else "")
    if list_ is not None:
        _list(shown, list_, primary, console)
        return
    if id_ is None:
        raise InputError("say which question: --id X; --list wrong lists those that went wrong")
    mine = _of_question(shown, id_, run)
    theirs = _of_question(_read(diff, methods, f" ({diff.resolve().name})"), id_, diff) if diff else []
    if as_json:
        typer.echo(json.dumps([_plain(one) for one in (*mine, *theirs)], ensure_ascii=False, indent=2))
        return
    _question(mine[0].row.example, console)
    console.print(_overview([*mine, *theirs], primary))
    chosen = mine if methods else mine[:1]
    chosen += [one for one in theirs if one.row.method in {c.row.method for c in chosen}]
    for other in chosen[1:]:
        where = find_parting(chosen[0].row.trajectory, other.row.trajectory)
        console.print(Text(f"{chosen[0].label} and {other.label} {where}", style="yellow"))
    for one in chosen:
        console.print(Rule(Text(one.label, style="bold")))
        _trajectory(one, console)
    if len(chosen) < len(mine) + len(theirs):
        console.print(Text("the other trajectories: --method NAME", style="dim"))


def _read(run: Path, methods: Sequence[str] | None, suffix: str) -> list[_Shown]:
    """The rows of these methods, or of all, with their scores."""
    from r1router.evals.metrics import load_metrics
    from r1router.evals.report.results import measure_row
    from r1router.evals.run import read_run

    settings, rows = read_run(run)
    for method in methods or ():
        if method not in settings.methods:
            raise UnknownName("method of this run", method, settings.methods)
    judges = {name: metric for name, metric in load_metrics().items() if name not in ("cost", "stop")}
    return [
        _Shown(row.method + suffix, row, dict(measure_row(row, judges, settings.kbs)), settings.kbs)
        for row in rows
        if not methods or row.method in methods
    ]


def _of_question(shown: Sequence[_Shown], id_: str, run: Path) -> list[_Shown]:
    found = [one for one in shown if one.row.example.id == id_]
    if not found:
        ids = list(dict.fromkeys(one.row.example.id for one in shown))
        near = difflib.get_close_matches(id_, ids, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"no question {id_!r} in {run}; {hint}list its {len(ids)} with: r1router show {run} --list all"
        )
    return found


def _plain(one: _Shown) -> dict[str, Any]:
    return {"label": one.label, "scores": one.scores, **to_dict(one.row)}


def find_parting(a: Trajectory, b: Trajectory) -> str:
    """Where two trajectories of a question part, in words that follow their names."""

    def words(text: str | None) -> list[str]:
        return (text or "").casefold().split()

    for number, (x, y) in enumerate(zip(a.steps, b.steps, strict=False), 1):
        if words(x.sub_question) != words(y.sub_question):
            return f"part at step {number}: they ask different sub-questions"
        if x.routes != y.routes:
            return f"part at step {number}: {'+'.join(x.routes)} against {'+'.join(y.routes)}"
        if [(e.kb, e.id) for e in x.evidence] != [(e.kb, e.id) for e in y.evidence]:
            return f"part at step {number}: the same search brought other evidence"
        if words(x.answer) != words(y.answer):
            return f"part at step {number}: they read {x.answer!r} and {y.answer!r} from the same evidence"
    shared = min(len(a.steps), len(b.steps))
    if len(a.steps) != len(b.steps):
        return f"part after step {shared}: only one goes on" if shared else "part at once: only one takes steps"
    if words(_said(a)) != words(_said(b)):
        return "take the same steps to different answers"
    return "take the same steps to the same answer"


def _said(trajectory: Trajectory) -> str:
    return trajectory.answer.text if trajectory.answer else ""


# ── printing ───────────────────────────────────────────────────────────────────────────────────


def _question(example: Example, console: Console) -> None:
    console.print(Text(example.question.text, style="bold"))
    facts = {"id": f"{example.id}   {example.type}", "accepted": " | ".join(example.answers) or "(not known)"}
    if example.question.where:
        facts["where"] = example.question.where
    if example.question.image:
        facts["picture"] = example.question.image.name or example.question.image.media_type
    for name, fact in facts.items():
        console.print(render.write_line(name, Text(fact)))


def _overview(shown: Sequence[_Shown], primary: str) -> Table:
    """What each method answered and by which way, in a line."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for title in ("method", "answer", primary, "way", "stopped"):
        table.add_column(title, overflow="fold")
    for one in shown:
        trajectory = one.row.trajectory
        way = " → ".join("+".join(step.routes) for step in trajectory.steps if step.routes) or "no search"
        said = _said(trajectory) if len(_said(trajectory)) <= _CUT else _said(trajectory)[:_CUT] + "…"
        table.add_row(
            Text(one.label, style="bold"), Text(said), _score(one.scores.get(primary)), Text(way), trajectory.stop
        )
    return table


def _score(value: float | None) -> Text:
    if value is None:
        return Text("·", style="dim")
    return Text(f"{value:.3f}", style="green" if value >= _RIGHT else "red")


def _trajectory(one: _Shown, console: Console) -> None:
    """Each step with the gold one of its place above it; gold evidence marked."""
    from r1router.evals import gold

    example, trajectory = one.row.example, one.row.trajectory
    needs = gold.list_needs(example)

    def is_gold(evidence: Evidence) -> bool:
        return any(gold.meets(need, evidence) for need in needs)

    known = (example.gold or {}).get("steps") or (example.gold or {}).get("hops") or []
    for at, step in enumerate(trajectory.steps):
        render.print_plan(at, step, console)
        if at < len(known):
            console.print(render.write_line("gold", _gold_step(known[at], step.routes, one.kinds)))
        if step.routes:
            render.print_found(step, console, gold=is_gold)
            console.print(render.write_line("answer", Text(step.answer or "(none)", style="bold")))
    for at, missed in enumerate(known[len(trajectory.steps) :], len(trajectory.steps)):
        console.print(Text(f"step {at + 1} was not taken", style="bold red"))
        console.print(render.write_line("gold", _gold_step(missed, (), one.kinds)))
    for error in trajectory.format_errors:
        console.print(render.write_line("format", Text(error, style="yellow")))
    if trajectory.stop == "error":
        console.print(Text(f"failed: {trajectory.error}", style="red"))
    render.print_end(trajectory, console)
    scores = "  ".join(f"{name} {value:.2f}" for name, value in one.scores.items() if "/" not in name)
    console.print(render.write_line("scores", Text(scores)))


def _gold_step(step: dict[str, Any], taken: Sequence[str], kinds: Mapping[str, str]) -> Text:
    """The gold step; its route in red where another one was taken."""
    kb = str(step.get("kb") or "?")
    right = any(kb in (route, kinds.get(route)) for route in taken)
    found = Text(f"{step.get('sub_question') or ''} ").append(f"→ {kb}", style="green" if right else "red")
    return found.append(f"   {step.get('answer') or ''}", style="bold")


def _list(shown: Sequence[_Shown], which: Which, primary: str, console: Console) -> None:
    def fits(one: _Shown) -> bool:
        score = one.scores.get(primary)
        failed = one.row.trajectory.stop == "error"
        if which == "error" or score is None:
            return failed or which == "all"
        return which == "all" or (score >= _RIGHT) == (which == "right")

    found = sorted((one for one in shown if fits(one)), key=lambda one: one.scores.get(primary, 0.0))
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, expand=True)
    room = {"question": 3, "answer": 2, "accepted": 2}
    for title in ("id", "method", "score", "question", "answer", "accepted", "stopped"):
        table.add_column(title, overflow="ellipsis", no_wrap=True, ratio=room.get(title))
    for one in found:
        example, trajectory = one.row.example, one.row.trajectory
        cells = (example.question.text, _said(trajectory), " | ".join(example.answers), trajectory.stop)
        table.add_row(Text(example.id), Text(one.label), _score(one.scores.get(primary)), *map(Text, cells))
    console.print(table)
    console.print(Text(f"{len(found)} of {len(shown)}; score: {primary}", style="dim"))
