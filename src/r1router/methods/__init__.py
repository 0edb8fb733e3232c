"""Method names to methods: `--method ircot` is `methods/ircot.py`, `package.module:function` is anybody's.

A method is a generator function `solve(question, kbs, *, prompts, …) -> Flow[Trajectory]` without I/O: it
yields `Ask` and `Search` requests and news, receives replies and rankings, and returns the trajectory. Its
further keyword-only parameters are its options: `vanilla_rag?kb=table` sets `kb`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from r1router.errors import InputError, UnknownName
from r1router.methods.requests import Flow
from r1router.registry import load, split_options
from r1router.types import Trajectory

Method = Callable[..., Flow[Trajectory]]
_NOT_METHODS = {"__init__", "requests"}


def names() -> list[str]:
    """The methods that come with the package."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in _NOT_METHODS)


def load_method(spec: str, **options: Any) -> Method:
    """The method named by `spec`, its options bound; `options` that it does not have are left out.

    Options inside the spec must exist: `r1_router?min_confidence=0.6`. Raises `UnknownName`, `InputError`.
    """
    name, inside = split_options(spec)
    solve: Method = load("method", name, package=__name__, known=names(), attribute="solve")
    wanted = inspect.signature(solve).parameters
    offered = {key: p for key, p in wanted.items() if p.kind is p.KEYWORD_ONLY and key != "prompts"}
    bound = {key: value for key, value in options.items() if key in offered}
    for key, value in inside.items():
        if key not in offered:
            raise UnknownName(f"option of the method {name}", key, offered)
        bound[key] = _convert(name, key, value, offered[key].default)
    return partial(solve, **bound)


def label(method: Method) -> str:
    """What a trajectory records as its method: the module's name, or the function's own for anybody's."""
    function = method.func if isinstance(method, partial) else method
    return function.__module__.rpartition(".")[2] if function.__name__ == "solve" else function.__name__


def _convert(method: str, key: str, value: str, default: object) -> object:
    """An option's text as the type of its default."""
    try:
        match default:
            case bool():
                return {"true": True, "false": False}[value.lower()]
            case int():
                return int(value)
            case float():
                return float(value)
            case _:
                return value
    except (ValueError, KeyError) as error:
        kind = type(default).__name__
        raise InputError(f"method {method}: option {key}={value!r} is not of type {kind}") from error
