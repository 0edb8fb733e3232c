"""Prints events as a person reads them in a terminal, each step as it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from r1router.drive.prices import Prices
from r1router.evidence.location import describe, find_title
from r1router.parse import NO_ROUTE
from r1router.types import (
    Answer,
    Answered,
    Computed,
    Event,
    Evidence,
    Finished,
    Malformed,
    Planned,
    Retrieved,
    Rewritten,
    Step,
    Trajectory,
)

SHOWN = 3
"""Pieces of evidence printed for a step."""
_WIDTH = 220
"""Characters of each."""


def show(events: Iterable[Event], console: Console, *, prices: Prices | None = None) -> Trajectory:
    """Print the events as they come; returns the finished trajectory. With `prices`, what it cost is told."""
    noted = ""
    for event in events:
        match event:
            case Rewritten(question):
                console.print(write_line("asks", Text(question.text, style="italic")))
            case Planned(index, step):
                print_plan(index, step, console)
            case Retrieved(_, step):
                print_found(step, console)
                noted = step.note
            case Computed(_, step):
                print_computed(step.evidence[0], console)
            case Answered(_, step):
                console.print(write_line("answer", Text(step.answer or "(empty)", style="bold")))
                if later := step.note.removeprefix(noted).removeprefix("; "):
                    console.print(write_line("note", Text(later, style="yellow")))
            case Malformed(purpose, reason, _):
                console.print(write_line("format", Text(f"{purpose} reply refused: {reason}", style="yellow")))
            case Finished(trajectory):
                print_end(trajectory, console, prices=prices)
                return trajectory
    raise AssertionError("a driver's last event is Finished")


def print_plan(index: int, step: Step, console: Console) -> None:
    """The thought, the sub-question and the route of a step, or that the policy knows enough."""
    console.print(Text(f"step {index + 1}", style="bold cyan"))
    if step.thought:
        console.print(write_line("thought", Text(step.thought, style="italic dim")))
    if step.sub_question is None:
        console.print(write_line("stop", Text("knows enough" + _chance(step, NO_ROUTE))))
        return
    console.print(write_line("sub-question", Text(step.sub_question)))
    chosen = ", ".join(step.routes)
    route = Text(chosen, style="bold magenta")
    others = ", ".join(f"{n} {p:.2f}" for n, p in step.probabilities.items() if n != chosen)
    route.append(_chance(step, chosen), style="not bold")
    console.print(write_line("route", route.append(f"   ({others})" if others else "", style="not bold dim")))


def _chance(step: Step, name: str) -> str:
    return f" {step.probabilities[name]:.2f}" if name in step.probabilities else ""


def print_found(step: Step, console: Console, *, gold: Callable[[Evidence], bool] | None = None) -> None:
    """The first pieces of evidence of a step; with `gold`, also every later one that it says is gold, marked."""
    if step.note:
        console.print(write_line("note", Text(step.note, style="yellow")))
    if not step.evidence:
        console.print(write_line("evidence", Text("nothing found", style="yellow")))
    shown = [(n, e, gold is not None and gold(e)) for n, e in enumerate(step.evidence, 1)]
    shown = [(n, e, is_gold) for n, e, is_gold in shown if n <= SHOWN or is_gold]
    for number, evidence, is_gold in shown:
        label = "evidence" if number == 1 else ""
        text = " ".join(evidence.text.split())
        said = Text(f"[{number}] ").append("gold " if is_gold else "", style="bold green")
        said.append(text[:_WIDTH] + ("… " if len(text) > _WIDTH else " "), style="" if is_gold else "dim")
        console.print(write_line(label, said.append(write_where(evidence), style="blue")))
    if len(step.evidence) > len(shown):
        console.print(write_line("", Text(f"… and {len(step.evidence) - len(shown)} more", style="dim")))


def print_computed(evidence: Evidence, console: Console) -> None:
    """A query over a table, and the first rows that it gave."""
    if evidence.result is None:
        return
    console.print(write_line("query", Text(evidence.result.sql, style="magenta")))
    for number, row in enumerate(evidence.result.rows[:SHOWN]):
        text = " ".join(" | ".join(row).split())
        console.print(write_line("" if number else "result", Text(text[:_WIDTH])))


def print_end(trajectory: Trajectory, console: Console, *, prices: Prices | None = None) -> None:
    """The answer, its sources, why it stopped and what it cost."""
    console.print(_answer(trajectory.answer))
    if trajectory.answer and trajectory.answer.guess:
        guess = Text(f"the model said {trajectory.answer.guess!r}, which the evidence does not support", style="yellow")
        console.print(write_line("note", guess))
    for number, evidence in enumerate(trajectory.sources, 1):
        console.print(
            write_line("source" if number == 1 else "", Text(f"[{number}] {write_where(evidence)}", style="blue"))
        )
    if trajectory.answer and trajectory.answer.nearest:
        nearest = f"{write_where(trajectory.answer.nearest)}, which may not say it"
        console.print(write_line("nearest", Text(nearest, style="blue")))
    usage = trajectory.usage
    counts = {"model call": usage.calls, "token": usage.tokens, "retrieval": usage.retrievals}
    spent = ", ".join(f"{count} {noun}{'s' if count != 1 else ''}" for noun, count in counts.items())
    money = f", cost {prices.cost(usage):.6f}" if prices else ""
    seconds = f"{sum(usage.seconds.values()):.1f} s{money}"
    console.print(write_line("", Text(f"stopped: {trajectory.stop}; {spent}, {seconds}", style="dim")))


def _answer(answer: Answer | None) -> Text:
    said = Text("answer  ", style="bold green")
    if answer is None:
        return said.append("(none)", style="bold")
    if answer.ending == "not_found":
        return said.append("Not found in your files.", style="bold yellow")
    said.append(answer.text, style="bold")
    return said.append("   not sure", style="yellow") if answer.ending == "unsure" else said


def write_where(evidence: Evidence) -> str:
    """Where a person finds this piece: knowledge base, title, file, page or section, rows."""
    if evidence.location is None:
        return f"{evidence.kb}: {find_title(evidence)}"
    title = f"{evidence.title} — " if evidence.title else ""
    return f"{evidence.kb}: {title}{describe(evidence.location)}"


def write_line(label: str, text: Text) -> Padding:
    """A labelled line, the label in a column of its own, long text below itself."""
    grid = Table.grid()
    grid.add_column(width=13, style="dim", no_wrap=True)
    grid.add_column(overflow="fold")  # nothing of a long file name or of words without blanks is lost
    grid.add_row(label, text)
    return Padding(grid, (0, 0, 0, 2))
