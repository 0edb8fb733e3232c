"""Adds to a query what its result rests on, because an answer is only worth as much as the rows that it can show.

A query over one table gets two more columns at its end: the numbers of the table's rows, and how many there are. Each
column that is a plain cell (or the least or greatest of some) gets the cell's own text beside its value. What cannot
be traced so (joins, queries over queries) is left as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from r1router.tables.check import AGGREGATES, Tree, walk_expressions
from r1router.tables.names import quote_name

MOST_ROWS = 100
"""Row numbers kept of an aggregate."""
Parse = Callable[[str], Tree]
"""An expression of SQL to its tree."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A query with what was added to it."""

    tree: Tree
    texts: Mapping[int, int]
    """Place of the added column with the text, by the place of the column with the value."""
    rows: int | None
    """Place of the added column with row numbers: one for each row of the result, a list where it is an aggregate."""
    aggregate: bool
    """Whether a row of the result stands for many; then the column after `rows` says how many."""


def trace_query(tree: Tree, *, texts: Mapping[str, str], row: str, parse: Parse) -> Traced:
    """The query with columns added. `texts`: the name of the column that has the texts, by that which has the values;
    `row`: the name of the column with the row numbers."""
    if not _is_plain(tree):
        return Traced(tree, {}, None, False)
    tree = copy.deepcopy(tree)
    selected: list[Tree] = tree["select_list"]
    aggregate = _is_aggregate(tree)
    added: list[Tree] = []
    text_at: dict[int, int] = {}
    for place, expression in enumerate(selected):
        if (text := _text_of(expression, aggregate, texts)) is not None:
            text_at[place] = len(selected) + len(added)
            added.append(parse(text))
    rows = len(selected) + len(added)
    added += [parse(f"min({row}, {MOST_ROWS})"), parse("count(*)")] if aggregate else [parse(row)]
    tree["select_list"] = selected + added
    return Traced(tree, text_at, rows, aggregate)


def trace_distinct(tree: Tree, *, row: str, parse: Parse) -> Tree | None:
    """For a query of different values, one for the rows in which they were looked for and how many; else None."""
    kinds = [modifier["type"] for modifier in tree.get("modifiers", ())]
    if kinds.count("DISTINCT_MODIFIER") != 1 or not _is_plain({**tree, "modifiers": []}) or _is_aggregate(tree):
        return None
    return {**tree, "modifiers": [], "select_list": [parse(f"min({row}, {MOST_ROWS})"), parse("count(*)")]}


def _is_plain(tree: Tree) -> bool:
    """Whether it is one SELECT from one table, of whole rows or groups of them."""
    if tree["type"] != "SELECT_NODE" or tree["from_table"]["type"] != "BASE_TABLE" or tree["cte_map"]["map"]:
        return False
    if tree["from_table"].get("column_name_alias") or any(m["type"] == "DISTINCT_MODIFIER" for m in tree["modifiers"]):
        return False
    classes = {expression["class"] for expression in walk_expressions(tree["select_list"])}
    return "STAR" not in classes and len(tree.get("group_sets") or ()) <= 1


def _is_aggregate(tree: Tree) -> bool:
    if tree["group_expressions"] or tree["having"] or tree["aggregate_handling"] != "STANDARD_HANDLING":
        return True
    return any(
        expression["class"] == "FUNCTION" and expression["function_name"].casefold() in AGGREGATES
        for expression in walk_expressions(tree["select_list"])
    )


def _text_of(expression: Tree, aggregate: bool, texts: Mapping[str, str]) -> str | None:
    """The expression that gives the text of the cell whose value this one gives."""
    if expression["class"] == "COLUMN_REF":
        text = texts.get(expression["column_names"][-1].casefold())
        return f"any_value({text})" if text and aggregate else text
    if expression["class"] != "FUNCTION" or len(expression["arguments"]) != 1:
        return None
    name = expression["function_name"].casefold()
    of = expression["arguments"][0]["expression"]
    if name not in ("min", "max") or of["class"] != "COLUMN_REF" or expression["filter"]:
        return None
    text, column = texts.get(of["column_names"][-1].casefold()), quote_name(of["column_names"][-1])
    return f"arg_{name}({text}, {column})" if text else None
