"""Declares the options that several commands share, so that each has one name, one help text and one default."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from r1router.api import Setup
from r1router.cli.settings import FOLDER_OR_URL
from r1router.drive.budget import Budget
from r1router.drive.prices import PriceList, Prices, read_prices

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])

Kbs = Annotated[
    str,
    typer.Option(
        envvar="R1ROUTER_KBS",
        help="Where the knowledge bases are: a folder, s3://BUCKET/PREFIX, postgresql://… or milvus://….",
        metavar=FOLDER_OR_URL,
    ),
]
PolicySpec = Annotated[
    str,
    typer.Option(
        "--policy",
        envvar="R1ROUTER_POLICY",
        help="The model: llamacpp:[GGUF], openai:MODEL@URL, transformers:NAME or scripted:FILE.",
    ),
]
MethodSpec = Annotated[
    str,
    typer.Option(
        "--method",
        envvar="R1ROUTER_METHOD",
        help="How to answer: r1_router, vanilla_rag, …; with options: r1_router?min_confidence=0.6.",
    ),
]
PromptSet = Annotated[
    Path | None,
    typer.Option(
        "--prompts", envvar="R1ROUTER_PROMPTS", help="Folder of prompt templates. [the policy's own, else ours]"
    ),
]
MaxSteps = Annotated[int, typer.Option(min=1, envvar="R1ROUTER_MAX_STEPS", help="Most steps before the final answer.")]
K = Annotated[int, typer.Option("--k", min=1, envvar="R1ROUTER_K", help="Pieces of evidence for each search.")]
MaxTokens = Annotated[
    int | None, typer.Option(min=1, envvar="R1ROUTER_MAX_TOKENS", help="Most tokens for one question.")
]
MaxSeconds = Annotated[
    float | None, typer.Option(min=0.0, envvar="R1ROUTER_MAX_SECONDS", help="Most seconds for one question.")
]
MaxRetrievals = Annotated[
    int | None, typer.Option(min=0, envvar="R1ROUTER_MAX_RETRIEVALS", help="Most searches for one question.")
]
MaxCost = Annotated[
    float | None,
    typer.Option(min=0.0, envvar="R1ROUTER_MAX_COST", help="Most money for one question; needs prices."),
]
PriceIn = Annotated[
    float, typer.Option(min=0.0, envvar="R1ROUTER_PRICE_IN", help="Money for a million tokens of prompts.")
]
PriceOut = Annotated[
    float, typer.Option(min=0.0, envvar="R1ROUTER_PRICE_OUT", help="Money for a million tokens of replies.")
]
PriceTable = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        envvar="R1ROUTER_PRICES",
        help="csv table model,in,out of prices; --price-in and --price-out come first.",
        metavar="FILE",
    ),
]
SomeKbs = Annotated[
    list[str] | None,
    typer.Option("--kb", help="Search this knowledge base only; repeat for more. [all of them]", metavar="NAME"),
]
RerankerSpec = Annotated[
    str | None,
    typer.Option(
        "--reranker", envvar="R1ROUTER_RERANKER", help="Reorders what a search finds: http:URL or cross-encoder:NAME."
    ),
]
Where = Annotated[
    str,
    typer.Option(
        envvar="R1ROUTER_WHERE",
        help="""Use only sources that match, such as 'folder = "2025" and lang = "de"'.""",
        metavar="FILTER",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Dataset = Annotated[
    str, typer.Argument(help="Question file, or FORMAT:FILE: jsonl, csv, hotpotqa, musique, …", show_default=False)
]
Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", help="A metric; repeat the option for more. [all of them]", metavar="NAME"),
]
Primary = Annotated[
    str | None, typer.Option(help="The metric of the tests, groups and plots. [length_aware]", metavar="METRIC")
]


# ── options that belong together ───────────────────────────────────────────────────────────────


def make_setup(
    kbs: Kbs = "kbs",
    policy: PolicySpec = "llamacpp:",
    method: MethodSpec = "r1_router",
    prompts: PromptSet = None,
    max_steps: MaxSteps = 3,
    k: K = 5,
    reranker: RerankerSpec = None,
    where: Where = "",
) -> Setup:
    return replace(make_setup_of_any(kbs, policy, prompts, max_steps, k, reranker, where), method=method)


def make_setup_of_any(
    kbs: Kbs = "kbs",
    policy: PolicySpec = "llamacpp:",
    prompts: PromptSet = None,
    max_steps: MaxSteps = 3,
    k: K = 5,
    reranker: RerankerSpec = None,
    where: Where = "",
) -> Setup:
    """Of whatever method, for a command that takes several."""
    reranker = reranker or None
    return Setup(kbs=kbs, policy=policy, prompts=prompts, max_steps=max_steps, k=k, reranker=reranker, where=where)


def make_prices(price_in: PriceIn = 0.0, price_out: PriceOut = 0.0, prices: PriceTable = None) -> PriceList:
    every = Prices(price_in, price_out) if price_in or price_out else None
    return PriceList(every, read_prices(prices) if prices else {})


def make_budget(
    policy: PolicySpec = "llamacpp:",
    max_tokens: MaxTokens = None,
    max_seconds: MaxSeconds = None,
    max_retrievals: MaxRetrievals = None,
    max_cost: MaxCost = None,
    price_in: PriceIn = 0.0,
    price_out: PriceOut = 0.0,
    prices: PriceTable = None,
) -> Budget:
    price = make_prices(price_in, price_out, prices).find(policy)
    if prices and price is None:
        log.warning("%s has no price for %s, so its cost is not told", prices, policy.partition("?")[0])
    return Budget(max_tokens, max_seconds, max_retrievals, max_cost, price)


def takes(**makers: Callable[..., Any]) -> Callable[[F], F]:
    """Gives a command the options of `makers`, and what they make of them as arguments; makers may share options.

    >>> @takes(budget=make_budget)
    ... def ask(question: str, budget: Budget) -> None: ...
    >>> list(inspect.signature(ask).parameters)
    ['question', 'policy', 'max_tokens', 'max_seconds', 'max_retrievals', 'max_cost', 'price_in', 'price_out', 'prices']
    """

    def decorate(command: F) -> F:
        options = {name: _parameters(maker) for name, maker in makers.items()}

        @functools.wraps(command)
        def run(**given: Any) -> Any:
            made = {
                name: maker(**{o.name: given[o.name] for o in options[name] if o.name in given})
                for name, maker in makers.items()
            }
            own = {name: value for name, value in given.items() if name not in taken}
            return command(**own, **made)

        taken = {option.name for of_maker in options.values() for option in of_maker}
        parameters: dict[str, inspect.Parameter] = {}
        for parameter in _parameters(command):
            for option in options.get(parameter.name, [parameter]):
                parameters.setdefault(option.name, option)
        run.__signature__ = inspect.Signature([*parameters.values()])  # type: ignore[attr-defined]  # what typer reads
        run.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
        return run  # type: ignore[return-value]

    return decorate


def _parameters(function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    """With their annotations evaluated, and all by keyword, so that one without a default may follow any other."""
    hints = get_type_hints(function, include_extras=True)
    return [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(function).parameters.items()
    ]
