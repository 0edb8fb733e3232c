"""Writes the numbers of a report as people read them, the same in a terminal and on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from r1router.evals.statistics import Difference, Interval

if TYPE_CHECKING:
    from r1router.evals.report.summary import Section


def write_score(value: float) -> str:
    return f"{value + 0.0:.3f}"


def write_signed(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}".replace("-", "−")


def write_span(value: Interval | Difference) -> str:
    """The bounds of an interval."""
    digits = 3 if abs(value.mean) < 10 else 1 if abs(value.mean) < 100 else 0
    low, high = (f"{round(bound, digits) + 0.0:.{digits}f}".replace("-", "−") for bound in (value.low, value.high))
    return f"{low}, {high}"


def write_amount(value: float) -> str:
    """A count or a cost, with as many digits as say something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def write_chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def write_how_timed(section: Section) -> str:
    """What the seconds of a section mean; questions in flight together wait for each other."""
    together = "Seconds at once: of questions in flight together, each of which waits for the others."
    if any(result.alone for result in section.results):
        return f"{together} Alone: of a sample that was asked one at a time."
    return f"{together} To measure what one question takes by itself: r1router eval … --alone 8."


def write_breakable(name: str) -> Markup:
    """A name that a narrow page may break after its underscores, and nowhere else.

    >>> write_breakable("one_shot_routing<1>")
    Markup('one_<wbr>shot_<wbr>routing&lt;1&gt;')
    """
    return Markup("_<wbr>").join(name.split("_"))
