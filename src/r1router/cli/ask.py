"""Implements `r1router ask`: answers a question and prints each step as it happens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from r1router import api
from r1router.cli import options, render
from r1router.codec import to_dict
from r1router.drive.budget import Budget
from r1router.errors import PolicyError, UnknownName
from r1router.kb import open_kbs
from r1router.types import Finished, KnowledgeBase, Policy


@options.takes(setup=options.make_setup, budget=options.make_budget)
def ask(
    question: Annotated[str, typer.Argument(help="What to answer.")],
    image: Annotated[Path | None, typer.Option(help="A picture that the question is about.")] = None,
    *,
    setup: api.Setup,
    budget: Budget,
    kb: options.SomeKbs = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the answer and nothing else.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Answer a question step by step, with its sources."""
    setup = replace(setup, budget=budget, kbs=pick_kbs(setup.kbs, kb) if kb else setup.kbs)
    events = api.stream(question, setup, image=image)
    with closing(events):
        if quiet and not as_json:
            trajectory = next(event.trajectory for event in events if isinstance(event, Finished))
            typer.echo(trajectory.answer.text if trajectory.answer else "")
        elif as_json:
            trajectory = next(event.trajectory for event in events if isinstance(event, Finished))
            typer.echo(json.dumps(to_dict(trajectory), ensure_ascii=False, indent=2))
        else:
            console = Console()
            if setup.where:
                console.print(render.write_line("where", Text(setup.where, style="magenta")))
            trajectory = render.show(events, console, prices=budget.prices)
            console.print(Text(name_model(setup.policy), style="dim"), soft_wrap=True)
    if not (trajectory.answer and trajectory.answer.text):
        raise PolicyError(f"the policy gave no answer; {'; '.join(trajectory.format_errors[-1:]) or trajectory.stop}")


def name_model(policy: Policy | str) -> str:
    """Which model answered, and where it is the small one that comes along, where larger ones are.

    >>> name_model("openai:qwen3:4b@http://localhost:11434/v1")
    'model: openai:qwen3:4b@http://localhost:11434/v1'
    """
    spec = policy if isinstance(policy, str) else policy.spec
    small = spec.partition("?")[0] == "llamacpp:"
    return f"model: {spec}" + (", a small one that copies facts; larger ones: r1router models" if small else "")


def pick_kbs(kbs: Mapping[str, KnowledgeBase] | str | Path, names: Iterable[str]) -> dict[str, KnowledgeBase]:
    """Those of the knowledge bases that are named. Raises `UnknownName`, and what opening them raises."""
    opened = open_kbs(kbs) if isinstance(kbs, str | Path) else kbs
    for name in names:
        if name not in opened:
            raise UnknownName("knowledge base", name, opened)
    return {name: opened[name] for name in names}
