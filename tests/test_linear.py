"""Every regular expression of the package takes time that grows with the text, not with its square.

Expressions are found by a walk over the modules and their source. Each is given texts made from its own parts: what it
repeats, repeated, after what has to stand before it, and ended by what it cannot take. Where such a text takes long,
the growth over two doublings tells four times (linear) from sixteen (quadratic).
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import r1router

SIZES = (400, 1600, 6400, 16_000)
"""Characters of a text, tried in turn until one takes long."""
SLOW = 0.04
"""CPU seconds for one, below which growth is not looked at: a square of 16,000 takes several times as long."""
GROWTH = 7.0
"""Times over two doublings: 4 is linear, 16 quadratic."""
_TRIED = " a\n<-\"0.[(/_=é汉,#`|>])\t:!?{}'*~&%$@^+\\\x00"
_BODIES = 6
"""Characters tried of a class that is repeated."""
_FUNCTIONS = {"compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn"}


def compiled(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from compiled(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from compiled(inner)


def only_matched(tree: ast.AST, name: str) -> bool:
    """Whether an expression, or those of a collection, are tried at one place only: by `match` and `fullmatch`."""
    of = {name}
    called = set()
    for node in ast.walk(tree):
        match node:
            case ast.For(ast.Name(each), ast.Name(collection)) | ast.comprehension(
                ast.Name(each), ast.Name(collection)
            ) if collection == name:
                of.add(each)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.Name(used) | ast.Subscript(ast.Name(used)), function) if used in of:
                called.add(function)
    return bool(called) and called <= {"match", "fullmatch", "groups"}


def found_in_modules() -> Iterator[tuple[str, re.Pattern[str], bool]]:
    for found in pkgutil.walk_packages(r1router.__path__, "r1router."):
        try:
            module = importlib.import_module(found.name)
        except ImportError:  # its extra is not installed
            continue
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for name, value in vars(module).items():
            for pattern in compiled(value):
                yield f"{found.name}.{name}", pattern, only_matched(tree, name)


def found_in_source() -> Iterator[tuple[str, re.Pattern[str], bool]]:
    """Expressions that are written down inside a function."""
    root = Path(r1router.__file__).parent
    for file in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Attribute(ast.Name("re"), function), [ast.Constant(str(text)), *_]) if (
                    function in _FUNCTIONS - {"compile"}
                ):
                    where = f"{file.relative_to(root)}:{node.lineno}"
                    yield where, re.compile(text), function in ("match", "fullmatch")


def patterns() -> list[Any]:
    known = {}
    for where, pattern, matched in (*found_in_modules(), *found_in_source()):
        known.setdefault((pattern.pattern, pattern.flags, matched), (where, pattern, matched))
    return [pytest.param(pattern, matched, id=where) for where, pattern, matched in known.values()]


# ── attacks ────────────────────────────────────────────────────────────────────────────────────


def characters(node: Any) -> str:
    """Some characters that one item of a parsed expression takes."""
    kind, value = node
    if kind is op.LITERAL:
        return chr(value)
    if kind is op.ANY:
        return "a <"
    one = re.compile(_written(node))
    return "".join(c for c in _TRIED if one.fullmatch(c)) or "a"


def _written(node: Any) -> str:
    kind, value = node
    if kind is op.NOT_LITERAL:
        return f"[^{re.escape(chr(value))}]"
    parts = []
    for inner, what in value:
        match inner:
            case op.NEGATE:
                parts.append("^")
            case op.LITERAL:
                parts.append(re.escape(chr(what)))
            case op.RANGE:
                parts.append(f"{re.escape(chr(what[0]))}-{re.escape(chr(what[1]))}")
            case op.CATEGORY:
                parts.append(_CATEGORIES[what])
    return f"[{''.join(parts)}]"


_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}


def example(nodes: Any) -> str:
    """A text that these items take, each repeated as rarely as may be but once."""
    text = ""
    for kind, value in nodes:
        match kind:
            case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
                text += example(value[2]) * max(value[0], 1)
            case op.SUBPATTERN:
                text += example(value[3])
            case op.ATOMIC_GROUP:
                text += example(value)
            case op.BRANCH:
                text += example(value[1][0])
            case op.LITERAL | op.NOT_LITERAL | op.IN | op.ANY:
                text += characters((kind, value))[0]
    return text


def pumped(nodes: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """(what stands before it, what can be repeated) for every unbounded repetition in these items."""
    for kind, value in nodes:
        match kind:
            case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
                if value[1] is op.MAXREPEAT or value[1] > 30:
                    inner = value[2]
                    single = len(inner) == 1 and inner[0][0] in (op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY)
                    bodies = characters(inner[0])[:_BODIES] if single else [example(inner)]
                    yield from ((before, body) for body in bodies)
                yield from pumped(value[2], before)
            case op.SUBPATTERN:
                yield from pumped(value[3], before)
            case op.ATOMIC_GROUP:
                yield from pumped(value, before)
            case op.ASSERT | op.ASSERT_NOT:
                yield from pumped(value[1], before)
            case op.BRANCH:
                for branch in value[1]:
                    yield from pumped(branch, before)
        before += example([(kind, value)])


def attacks(pattern: re.Pattern[str]) -> list[tuple[str, str, str]]:
    """(begin, middle, end) of texts: the middle is repeated until the text is long enough."""
    found = []
    for before, body in pumped(parser.parse(pattern.pattern, pattern.flags)):
        found += [(before, body, end) for end in ("\x00", "a", "")]
        found += [("", before + body, "\x00"), ("", before, body + "\x00")]
    return [attack for attack in dict.fromkeys(found) if attack[1]]


def seconds(pattern: re.Pattern[str], attack: tuple[str, str, str], size: int, matched: bool) -> float:
    begin, middle, end = attack
    text = begin + middle * (size // len(middle)) + end
    began = time.thread_time()
    if matched:
        pattern.match(text)
        pattern.fullmatch(text)
    else:
        for _ in pattern.finditer(text):
            pass
    return time.thread_time() - began


def grows_faster(pattern: re.Pattern[str], attack: tuple[str, str, str], matched: bool = False) -> bool:
    size = next((size for size in SIZES if seconds(pattern, attack, size, matched) > SLOW), None)
    if size is None:
        return False
    short, long = (min(seconds(pattern, attack, s, matched) for _ in range(2)) for s in (size // 4, size))
    return long > GROWTH * short


@pytest.mark.parametrize(("pattern", "matched"), patterns())
def test_an_expression_takes_time_that_grows_with_the_text(pattern: re.Pattern[str], matched: bool) -> None:
    slow = next((attack for attack in attacks(pattern) if grows_faster(pattern, attack, matched)), None)
    assert not slow, f"{pattern.pattern!r} is slow for {slow}"


@pytest.mark.parametrize(
    ("slow", "linear"),
    [
        (r"<\s*/?\s*(?:think|ret)\s*>", r"<\s*+/?+\s*+(?:think|ret)\s*+>"),
        (r"(\w+)=", r"\b(\w++)="),
        (r"<!--.*?-->", r"<!--[^-]{0,200}-->"),
    ],
)
def test_the_measure_tells_a_quadratic_expression_from_a_linear_one(slow: str, linear: str) -> None:
    assert any(grows_faster(re.compile(slow), attack) for attack in attacks(re.compile(slow)))
    assert not any(grows_faster(re.compile(linear), attack) for attack in attacks(re.compile(linear)))
