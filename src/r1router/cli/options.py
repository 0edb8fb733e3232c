"""Options that several commands share, so that they have one name, one help text and one default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Kbs = Annotated[Path, typer.Option(envvar="R1ROUTER_KBS", help="Folder of the knowledge bases.")]
PolicySpec = Annotated[
    str,
    typer.Option(
        "--policy",
        envvar="R1ROUTER_POLICY",
        help="The model: llamacpp:[GGUF], openai:MODEL@URL, transformers:NAME or scripted:FILE.",
    ),
]
MethodSpec = Annotated[str, typer.Option("--method", help="How to answer: r1_router, vanilla_rag, ircot, self_ask, …")]
PromptSet = Annotated[
    Path | None, typer.Option("--prompts", help="Folder of prompt templates. [the policy's own, else ours]")
]
MaxSteps = Annotated[int, typer.Option(min=1, help="Most steps before the final answer.")]
K = Annotated[int, typer.Option("--k", min=1, help="Pieces of evidence for each search.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Dataset = Annotated[
    str, typer.Argument(help="Question file, or FORMAT:FILE: jsonl, csv, hotpotqa, musique, …", show_default=False)
]
Metrics = Annotated[
    list[str] | None, typer.Option("--metric", help="A metric; give the option again for more. [all of them]")
]
Primary = Annotated[
    str | None, typer.Option(help="The metric of the tests, groups and plots. [length_aware]", metavar="METRIC")
]
