"""Checks that a query only reads the tables that it was given, because what a model or a stranger writes is untrusted.

The query is looked at as the engine itself parses it, so that the two cannot disagree. Everything that is not known to
be harmless is refused: statements other than one SELECT, other tables, functions that make rows or read settings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from r1router.errors import QueryError

Tree = dict[str, Any]
"""A node of a parsed query: "class" and "type" say what it is."""

LONGEST = 4_000
"""Characters of a query."""
DEEPEST = 60
"""Levels of a parsed query, some three for each pair of brackets."""

_AGGREGATES = (
    "any_value arg_max arg_min avg bool_and bool_or count count_if count_star first last max max_by mean median min "
    "min_by mode product quantile_cont quantile_disc stddev stddev_pop stddev_samp string_agg group_concat listagg sum "
    "var_pop var_samp variance"
)
AGGREGATES = frozenset(_AGGREGATES.split())
"""Functions that make one value of many."""
_OTHERS = (
    # numbers
    "abs ceil ceiling floor greatest least ln log log10 log2 mod pow power round sign sqrt trunc "
    # text
    "concat concat_ws contains ends_with initcap instr lcase left length like_escape not_like_escape ilike_escape "
    "not_ilike_escape lower ltrim position prefix regexp_extract regexp_full_match regexp_matches regexp_replace "
    "replace reverse right rtrim split_part starts_with strip_accents strpos substr substring suffix trim ucase upper "
    # dates
    "date_diff date_part date_sub date_trunc datediff datepart day dayname dayofmonth dayofweek dayofyear decade epoch "
    "hour make_date minute month monthname quarter second strftime to_days to_months to_years week year "
    # missing values, rows side by side
    "coalesce if ifnull nullif nvl row "
    # windows
    "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number"
)
FUNCTIONS = AGGREGATES | frozenset(_OTHERS.split())
"""All functions that a query may call, operators aside."""
_REPLACING = {"replace": 1, "regexp_replace": 0}
"""How many characters may stand for each one that is replaced."""

_ENDLESS_IN_WINDOWS = frozenset(("string_agg", "group_concat", "listagg"))
"""Over a window they make a long text for each row, which the engine neither stops nor counts the memory for."""

_EXPRESSIONS = (
    "BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION OPERATOR POSITIONAL_REFERENCE STAR "
    "SUBQUERY TYPE WINDOW"
)
_CLASSES = frozenset(_EXPRESSIONS.split())
_NODES = frozenset(("SELECT_NODE", "SET_OPERATION_NODE"))
_SOURCES = frozenset(("BASE_TABLE", "EMPTY", "JOIN", "SUBQUERY"))


def check_query(parsed: str, tables: Iterable[str]) -> Tree:
    """The query's tree, from what the engine's parser says of it. Raises `QueryError` where it may do more than read
    `tables` and compute."""
    read = json.loads(parsed)
    if read["error"]:
        message = read["error_message"]
        if read["error_type"] != "parser":
            message = "only one SELECT is allowed"
        raise QueryError(message)
    if len(read["statements"]) != 1:
        raise QueryError("only one SELECT is allowed")
    node: Tree = read["statements"][0]["node"]
    _check(node, frozenset(name.casefold() for name in tables), 0)
    return node


def _check(value: Any, tables: frozenset[str], depth: int) -> None:
    if depth > DEEPEST:
        raise QueryError("it is nested too deeply")
    if isinstance(value, list):
        for item in value:
            _check(item, tables, depth)
        return
    if not isinstance(value, dict):
        return
    if "cte_map" in value:
        tables = _check_node(value, tables)
    elif "class" in value:
        _check_expression(value)
    elif "from_table" not in value and "query_location" in value and "type" in value:
        _check_source(value, tables)
    for item in value.values():
        if isinstance(item, dict | list):
            _check(item, tables, depth + 1)


def _check_node(node: Tree, tables: frozenset[str]) -> frozenset[str]:
    """The tables that may be named inside: those given and the query's own."""
    if node["type"] not in _NODES:
        raise QueryError("WITH RECURSIVE is not allowed" if "RECURSIVE" in node["type"] else "only SELECT is allowed")
    return tables | {entry["key"].casefold() for entry in node["cte_map"]["map"]}


def _check_source(source: Tree, tables: frozenset[str]) -> None:
    if source["type"] not in _SOURCES:
        raise QueryError("only tables and queries may stand in FROM, no functions or lists")
    if source["type"] == "BASE_TABLE":
        name = source["table_name"]
        if source.get("schema_name") or source.get("catalog_name") or name.casefold() not in tables:
            raise QueryError(f'there is no table "{name}"; the tables are: {", ".join(sorted(tables))}')


def _check_expression(expression: Tree) -> None:
    if expression["class"] not in _CLASSES:
        raise QueryError(f"{expression['class'].lower().replace('_', ' ')}s are not allowed")
    name = str(expression.get("function_name", "")).casefold()
    if name and name not in FUNCTIONS and not expression.get("is_operator"):
        raise QueryError(f"the function {name} is not allowed")
    if expression["class"] == "WINDOW" and (expression["distinct"] or name in _ENDLESS_IN_WINDOWS):
        raise QueryError(f"{'DISTINCT' if expression['distinct'] else name} is not allowed before OVER")
    if name in _REPLACING:
        _check_replacement(name, [argument["expression"] for argument in expression["arguments"][1:3]])


def _check_replacement(name: str, given: list[Tree]) -> None:
    """Refuses a replacement that can make a text longer: the engine neither stops within one value nor counts the
    memory for it, so that one call could take all of the time and the memory there is."""
    old, new = [*(_read_text(expression) for expression in given), None, None][:2]
    if old is None or new is None or len(new) > _REPLACING[name] * len(old):
        shorter = "no longer than what it replaces" if _REPLACING[name] else "empty"
        raise QueryError(f"{name} takes two texts in quotes, and the second must be {shorter}")


def _read_text(expression: Tree) -> str | None:
    literal = expression.get("literal") or {}
    return str(literal["text"]) if literal.get("kind") == "STRING" else None


def walk_expressions(value: Any) -> Iterator[Tree]:
    """Every expression of a part of a tree, queries inside it left out."""
    if isinstance(value, list):
        for item in value:
            yield from walk_expressions(item)
    elif isinstance(value, dict):
        if "class" in value:
            yield value
            if value["class"] == "SUBQUERY":
                return
        for item in value.values():
            if isinstance(item, dict | list):
                yield from walk_expressions(item)
