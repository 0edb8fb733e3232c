"""Runs a query over the table of a training step, because a query is worth what it gives."""

from __future__ import annotations

from functools import lru_cache

from r1router.errors import QueryError
from r1router.table import TableBlock
from r1router.tables.engine import compute
from r1router.tables.results import read_answer_off
from r1router.train.steps.step_file import TrainingStep


def run_query(step: TrainingStep, sql: str) -> str | None:
    """The answer that a query over the step's table gives, "" where it gives none; None where it does not run."""
    table = step.evidence[0].table if step.evidence else None
    return None if table is None else _run(table, sql)


@lru_cache(maxsize=4096)
def _run(table: TableBlock, sql: str) -> str | None:
    try:
        return read_answer_off(compute(table, sql))
    except QueryError:
        return None
