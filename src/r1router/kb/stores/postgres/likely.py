"""Writes the condition of entries that may come first for their words, so that few of a large table are scored.

BM25 adds up what each term of a query brings, and which terms an entry has decides most of it. So entries are chosen
whose terms weigh enough together. How much is enough follows from how many entries have each term: so much that about
as many entries as are wanted would have it if terms were spread by chance. The data base's index of terms finds them
without a look at the entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, islice

from r1router.kb.stores.postgres.tables import quote

MOST_TERMS = 10
"""Terms of the condition: the rarest. More make it long, and the index slower than what is saved."""
MOST_SHARE = 0.1
"""Of the entries: a term that more of them have is no reason to look at one."""
STEPS = 64
"""What all terms weigh together, in whole steps, in which weights are added up."""


def write_likely(weights: Mapping[str, tuple[float, int]], entries: int, wanted: float) -> str:
    """A tsquery for about `wanted` of `entries` or more, those with the heaviest terms; "" without any term.

    `weights`: of each term how much it counts, and how many entries have it; the rarest first.
    """
    rare = islice(((term, w, n) for term, (w, n) in weights.items() if n <= MOST_SHARE * entries), MOST_TERMS)
    chosen = list(rare) or [(term, w, n) for term, (w, n) in islice(weights.items(), 1)]
    unit = sum(weight for _, weight, _ in chosen) / STEPS
    steps = [max(1, round(weight / unit)) for _, weight, _ in chosen]
    enough = _choose_enough(steps, [min(1.0, having / entries) for _, _, having in chosen], wanted / entries)
    return _write_reaching([quote(term) for term, _, _ in chosen], steps, enough)


def _choose_enough(steps: Sequence[int], shares: Sequence[float], wanted: float) -> int:
    """The highest sum of steps that a share of at least `wanted` reaches, or 1; each term by itself with its share."""
    chances = [1.0] + [0.0] * sum(steps)
    for step, share in zip(steps, shares, strict=True):
        with_term = [0.0] * step + chances[: len(chances) - step]
        chances = [(1 - share) * a + share * b for a, b in zip(chances, with_term, strict=True)]
    reaching = list(accumulate(reversed(chances)))[::-1]
    return max((total for total in range(1, len(reaching)) if reaching[total] >= wanted), default=1)


def _write_reaching(terms: Sequence[str], steps: Sequence[int], enough: int) -> str:
    """The tsquery of terms whose steps add up to `enough`; "" where not even all of them do."""

    def write(first: int, lacking: int) -> Iterable[str]:
        for n in range(first, len(terms)):
            if sum(steps[n:]) < lacking:
                return
            if steps[n] >= lacking:
                yield terms[n]
            elif more := " | ".join(write(n + 1, lacking - steps[n])):
                yield f"{terms[n]} & ({more})"

    return " | ".join(write(0, enough))
