"""Weighs the tables that were found for a question, because a query can look likely over a table of something else.

What counts is how likely the table's likeliest query is, how many of the question's words the table says, in how many
pieces it was found, and whether it was found first. The weights are a conditional logit (McFadden 1974) fitted to which
table's likeliest query is right: 280 questions over written tables kept apart and 149 of WikiTableQuestions' dev part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from r1router.evidence.words import measure_share, read_words, tell_language
from r1router.tables.view import TableView
from r1router.types import Evidence

LIKELY = 0.75
"""The weight of the log-odds of its likeliest query, …"""
SAID = 3.37
"""… of the share of the question's telling words that stand in its heading, its file's name, its columns or its shown
cells, …"""
PIECE = 0.53
"""… of each of its pieces that was found, …"""
FIRST = 0.68
"""… and of having been found before the others."""
LEAST, MOST = 0.01, 0.999
"""No query is less likely, or likelier, for this."""


def weigh_table(question: str, view: TableView, pieces: Sequence[Evidence], *, first: bool) -> float:
    """How much speaks for this table, beside others. `pieces`: those of it that were found, at least one."""
    support = min(max(view.likely[0].support if view.likely else 0.0, LEAST), MOST)
    odds = math.log(support / (1 - support))
    return LIKELY * odds + SAID * _share_said(question, view, pieces[0]) + PIECE * len(pieces) + FIRST * first


def _share_said(question: str, view: TableView, piece: Evidence) -> float:
    language = tell_language(question)
    file = piece.location.source.rsplit("/", 1)[-1] if piece.location else ""
    columns = (text for column in view.columns for text in (column.name, *column.samples))
    cells = (cell for row in view.rows for cell in row)
    told = " ".join((piece.title, view.section, view.caption, file, *columns, *cells))
    return measure_share(frozenset(read_words(question, language)), read_words(told, language))
