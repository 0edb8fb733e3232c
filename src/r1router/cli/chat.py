"""Implements `r1router chat`: asks again and again with the model kept open, and what was said before in mind."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from r1router import api
from r1router.cli import options, render
from r1router.cli.ask import pick_kbs
from r1router.drive import threads
from r1router.drive.budget import Budget
from r1router.drive.prices import PriceList
from r1router.errors import InputError, R1RouterError, UnknownName
from r1router.images import load_image
from r1router.kb import open_kbs
from r1router.methods import load_method
from r1router.policies import open_policy
from r1router.types import Evidence, Image, KnowledgeBase, Policy, Question, Trajectory, Turn

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif"}
QUIT = {"/quit", "/exit"}
AFTER_WORD = ".,:;?!)"
"""What may stand after a path without being of it."""


@dataclass(slots=True)
class Chat:
    """What a conversation has come to."""

    setup: api.Setup
    kbs: dict[str, KnowledgeBase]
    policy: Policy
    console: Console
    prices: PriceList = field(default_factory=PriceList)
    chosen: list[str] = field(default_factory=list)
    """Knowledge bases to search; empty is all of them."""
    turns: list[Turn] = field(default_factory=list)
    picture: Image | None = None
    """The last one that was given; questions go on about it."""
    last: Trajectory | None = None


@options.takes(setup=options.make_setup, budget=options.make_budget, prices=options.make_prices)
def chat(*, setup: api.Setup, budget: Budget, prices: PriceList, kb: options.SomeKbs = None) -> None:
    """Ask one question after the other. /help names what else can be typed."""
    console = Console()
    kbs: dict[str, KnowledgeBase] = dict(open_kbs(setup.kbs) if isinstance(setup.kbs, str | Path) else setup.kbs)
    state = Chat(replace(setup, budget=budget), kbs, api.open_policy_of(setup), console, prices)
    if kb:
        choose_kbs(state, kb)
    with suppress(ImportError):  # arrow keys and earlier lines, where the system has it
        import readline  # noqa: F401
    console.print(Text(f"{state.policy.spec} over {', '.join(kbs)}; /help, and /quit or Ctrl-D to end", style="dim"))
    try:
        while (line := _read_line(state)) is not None and line.strip() not in QUIT:
            if line.strip():
                _obey(state, line.strip())
    finally:
        threads.wait_for(state.policy.close())


def _read_line(state: Chat) -> str | None:
    """What was typed; None at the end. Ctrl-C forgets the line, twice in a row it ends."""
    named = ", ".join(state.chosen) + " " if state.chosen else ""
    seen = "+picture " if state.picture else ""
    for _ in range(2):
        try:
            return input(f"{named}{seen}> ")
        except EOFError:
            state.console.print()
            return None
        except KeyboardInterrupt:
            state.console.print(Text("\n(Ctrl-C again ends)", style="dim"))
    return None


def _obey(state: Chat, line: str) -> None:
    """One line: a command or a question. What goes wrong is told, and the conversation goes on."""
    try:
        if not line.startswith("/") or Path(line.split()[0]).is_file():
            ask(state, line)
            return
        name, *words = _split(line[1:])
        if name not in COMMANDS:
            raise UnknownName("command", name, [*COMMANDS, "quit"])
        COMMANDS[name](state, words)
    except R1RouterError as error:
        state.console.print(Text(f"error: {error}", style="red"), soft_wrap=True)
    except KeyboardInterrupt:
        state.console.print(Text("stopped", style="yellow"))


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line) or [""]
    except ValueError as error:
        raise InputError(f"a quotation mark is opened and not closed: /{line}") from error


def ask(state: Chat, line: str) -> None:
    """Answers what was typed, with the picture that it names, and what was said before."""
    text, picture = find_picture(line)
    state.picture = picture or state.picture
    for missing in () if picture else [path for _, path in _list_pictures(line)]:
        state.console.print(Text(f"no picture is at {missing}; asked as words", style="yellow"), soft_wrap=True)
    if not text:
        state.console.print(Text("the picture is kept; ask about it", style="dim"))
        return
    kbs = pick_kbs(state.kbs, state.chosen) if state.chosen else state.kbs
    question = Question(text, state.picture, turns=tuple(state.turns))
    events = api.stream(question, state.setup, kbs=kbs, policy=state.policy)
    prices = state.setup.budget.prices if state.setup.budget else None
    with closing(events):
        state.last = render.show(events, state.console, prices=prices)
    answer = state.last.answer.text if state.last.answer else ""
    state.turns += [Turn("user", text), Turn("assistant", answer)]


def find_picture(line: str) -> tuple[str, Image | None]:
    """The words of a line, and the picture whose path is among them. Raises `InputError` for one that is none.

    Within a sentence the path becomes the file's name, so that the sentence keeps its sense; elsewhere it goes.
    """
    for word, path in _list_pictures(line):
        if path.is_file():
            before, after = line.split(word, 1)
            begins = not before.strip() or before.rstrip()[-1] in ".:?!"
            after = after.lstrip(AFTER_WORD) if begins else after
            return " ".join(f"{before}{'' if begins else path.name}{after}".split()), load_image(path)
    return line, None


def _list_pictures(line: str) -> list[tuple[str, Path]]:
    """Each word of a line that is a picture's path, with the quotation marks around it, and the path."""
    try:
        words = shlex.split(line, posix=False)
    except ValueError:  # an apostrophe
        words = line.split()
    typed = [word.lstrip("(").rstrip(AFTER_WORD) for word in words]
    paths = [(word, Path(word.strip("\"'")).expanduser()) for word in typed]
    return [(word, path) for word, path in paths if path.suffix.lower() in PICTURES]


# ── commands ───────────────────────────────────────────────────────────────────────────────────


def choose_kbs(state: Chat, names: Sequence[str]) -> None:
    """/kb [NAME…|all]: search these only; without a name, list them."""
    if not names:
        for name, opened in state.kbs.items():
            mark = "*" if name in (state.chosen or state.kbs) else " "
            state.console.print(Text(f"{mark} {name}: {opened.card.holds}"), soft_wrap=True)
        return
    state.chosen = [] if list(names) == ["all"] else list(pick_kbs(state.kbs, names))


def show_sources(state: Chat, words: Sequence[str]) -> None:
    """/sources [N]: where the last answer came from, or what is nearest; with a number, the whole of that piece."""
    answer = state.last.answer if state.last else None
    nearest = (answer.nearest,) if answer and answer.nearest else ()
    sources: Sequence[Evidence] = (state.last.sources if state.last else ()) or nearest
    if not sources:
        raise InputError("the last answer names no source" if state.last else "nothing has been asked yet")
    if words:
        if not words[0].isdecimal() or not 1 <= int(words[0]) <= len(sources):
            raise InputError(f"/sources takes a number from 1 to {len(sources)}")
        state.console.print(Text(sources[int(words[0]) - 1].text), soft_wrap=True)
        return
    for number, evidence in enumerate(sources, 1):
        state.console.print(Text(f"[{number}] {render.write_where(evidence)}", style="blue"), soft_wrap=True)


def use_model(state: Chat, words: Sequence[str]) -> None:
    """/model [SPEC]: ask another model from now on; without one, name it."""
    if words:
        budget = replace(state.setup.budget or Budget(), prices=state.prices.find(words[0]))
        opened = open_policy(words[0])
        state.setup = replace(state.setup, budget=budget)
        threads.wait_for(state.policy.close())
        state.policy = opened
    state.console.print(Text(state.policy.spec))


def use_method(state: Chat, words: Sequence[str]) -> None:
    """/method [NAME]: answer in another way from now on; without one, name it."""
    if words:
        load_method(words[0])
        state.setup = replace(state.setup, method=words[0])
    state.console.print(Text(str(state.setup.method)))


def start_anew(state: Chat, words: Sequence[str]) -> None:
    """/new: forget what was said, and the picture."""
    state.turns.clear()
    state.picture, state.last = None, None


def print_help(state: Chat, words: Sequence[str]) -> None:
    """/help: this."""
    for command in COMMANDS.values():
        state.console.print(Text((command.__doc__ or "").strip()), soft_wrap=True)
    state.console.print(Text("/quit, /exit or Ctrl-D: end."))
    state.console.print(Text("A path of a picture in a question is shown to the model and searched with."))


COMMANDS: dict[str, Callable[[Chat, Sequence[str]], None]] = {
    "kb": choose_kbs, "sources": show_sources, "model": use_model, "method": use_method,
    "new": start_anew, "help": print_help,
}  # fmt: skip
