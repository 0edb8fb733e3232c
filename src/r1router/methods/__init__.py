"""Loads methods by their names: `--method ircot` is `methods/ircot.py`, `package.module:function` is anybody's.

A method is a generator function `solve(question, kbs, *, prompts, …) -> Flow[Trajectory]` without I/O: it
yields `Ask` and `Search` requests and news, receives replies and rankings, and returns the trajectory. Its
further keyword-only parameters are its options: `vanilla_rag?kb=table` sets `kb`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any

from r1router.moves import Flow
from r1router.registry import bind, list_entries, list_options, load, split_options
from r1router.types import Trajectory

Method = Callable[..., Flow[Trajectory]]


@cache
def names() -> list[str]:
    """The methods that come with the package."""
    return list_entries(__file__)


def load_method(spec: str, **options: Any) -> Method:
    """The method named by `spec`, its options bound; `options` that it does not have are left out.

    Options inside the spec must exist: `r1_router?min_confidence=0.6`. Raises `UnknownName`, `InputError`.
    """
    return _load_method(spec, tuple(sorted(options.items())))


@lru_cache(maxsize=256)
def _load_method(spec: str, options: tuple[tuple[str, Any], ...]) -> Method:
    """A server is asked for the same few by every question."""
    name, inside = split_options(spec)
    solve: Method = load("method", name, package=__name__, known=names(), attribute="solve")
    offered = list_options(solve)
    bound = {key: value for key, value in options if key in offered}
    return partial(solve, **bound | bind(f"method {name}", solve, inside))


def name_method(method: Method) -> str:
    """What a trajectory records as its method: the module's name, or the function's own for anybody's."""
    function = method.func if isinstance(method, partial) else method
    return function.__module__.rpartition(".")[2] if function.__name__ == "solve" else function.__name__
