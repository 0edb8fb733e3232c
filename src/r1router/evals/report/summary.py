"""Reports runs: what each method did on each data set, and which differences between methods are real.

Pure, and the same for the same rows: nothing here reads a clock, a file, or a random source without a seed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import combinations
from types import MappingProxyType
from typing import Any

from r1router.drive.prices import PriceList, Prices
from r1router.errors import InputError, UnknownName
from r1router.evals.metrics import DEFAULT, Metric, load_metrics
from r1router.evals.metrics import names as metric_names
from r1router.evals.report.results import ERROR, Result, Values, measure_row, sum_up
from r1router.evals.run import RunLine, RunSettings
from r1router.evals.statistics import Difference, Interval, compare_paired, compute_interval, correct_by_holm
from r1router.types import Example

PRIMARY = "length_aware"
"""The metric of the plots, the groups and the paired tests, unless another is asked for."""

Run = tuple[RunSettings, Sequence[RunLine]]
"""What `read_run` gives."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two methods on the questions that both were scored on."""

    a: str
    b: str
    difference: Difference
    """Of the primary metric, a - b."""
    p_holm: float
    """The p-value corrected for the number of comparisons on this data set (Holm)."""


@dataclass(frozen=True, slots=True)
class Section:
    """One data set."""

    dataset: str
    questions: int
    setups: tuple[RunSettings, ...]
    """What its runs were made with."""
    results: tuple[Result, ...]
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]
    """What a reader has to know before believing a number: failures, unfinished methods, unscored questions."""


@dataclass(frozen=True, slots=True)
class Report:
    primary: str
    metrics: tuple[str, ...]
    """The values to show first: those of the asked metrics that have one value a question, the primary first."""
    sections: tuple[Section, ...]


def report(
    runs: Sequence[Run],
    *,
    names: Sequence[str] = (),
    metrics: Sequence[str] = DEFAULT,
    own: Mapping[str, Metric] = MappingProxyType({}),
    primary: str = PRIMARY,
    against: str | None = None,
    prices: PriceList | None = None,
    alone: Sequence[Mapping[str, Sequence[Mapping[str, float]]]] = (),
) -> Report:
    """What `read_run` gave, summed up; methods on the same data set are compared, also those of different runs.

    `names` of the runs tell equal methods apart. `own` are metrics as functions, beside those named. `against`
    compares every method with that one only: fewer comparisons, each with more power. `prices` add a column of money,
    by the policy of each run; a run's own budget may have them, too. `alone` is what `read_alone` gave of each run.
    Raises `UnknownName` for a metric or method, `InputError` where a run is empty or two runs mean different questions
    by one id; what a metric raises comes out with a note.
    """
    judges, primary = _judges(metrics, primary) | dict(own), primary.rpartition(":")[2]
    parts = _label(
        runs, names or [f"run {n}" for n in range(1, len(runs) + 1)], alone or [{} for _ in runs], prices or PriceList()
    )
    if against is not None and against not in (labels := [part.label for part in parts]):
        raise UnknownName("method", against, labels)
    by_dataset: dict[str, list[_Part]] = defaultdict(list)
    for part in parts:
        by_dataset[part.settings.dataset].append(part)
    values = {(part.settings.dataset, part.label): _values(part, judges) for part in parts}
    known = {name for of_rows in values.values() for of_row in of_rows for name in of_row}
    if primary not in known:
        raise UnknownName("primary metric", primary, known)
    sections = [
        _section(dataset, of_dataset, [values[dataset, part.label] for part in of_dataset], primary, against)
        for dataset, of_dataset in by_dataset.items()
    ]
    shown = dict.fromkeys((primary, *(name for name in judges if name in known)))
    return Report(primary, tuple(shown), tuple(sections))


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one method in one run."""

    settings: RunSettings
    method: str
    label: str
    rows: Sequence[RunLine]
    alone: Sequence[Mapping[str, float]]
    prices: Prices | None

    @property
    def ids(self) -> list[str]:
        return [row.example.id for row in self.rows]


def _judges(metrics: Sequence[str], primary: str) -> dict[str, Metric]:
    """The metrics that judge rows; cost and stop reasons are in every report anyway."""
    wanted = [*metrics, primary] if primary in metric_names() or ":" in primary else metrics
    return {name: metric for name, metric in load_metrics(wanted).items() if name not in ("cost", "stop")}


def _label(
    runs: Sequence[Run],
    names: Sequence[str],
    alone: Sequence[Mapping[str, Sequence[Mapping[str, float]]]],
    prices: PriceList,
) -> list[_Part]:
    """Each method's rows with a label that no other method on the same data set has."""
    found = []
    for (settings, rows), name, seconds in zip(runs, names, alone, strict=True):
        if not rows:
            raise InputError(f"the run {name} has no answered question yet; go on with the same r1router eval")
        found += [
            (settings, method, name, [r for r in rows if r.method == method], seconds.get(method, ()))
            for method in settings.methods
        ]
    times = Counter((settings.dataset, method) for settings, method, *_ in found)
    labelled = [
        _Part(
            settings,
            method,
            f"{method} ({name})" if times[settings.dataset, method] > 1 else method,
            part,
            measured,
            prices.find(settings.policy) or settings.budget.prices,
        )
        for settings, method, name, part, measured in found
    ]
    for (dataset, label), count in Counter((part.settings.dataset, part.label) for part in labelled).items():
        if count > 1:
            raise InputError(f"two runs of {dataset} are called alike and have the method {label}; rename a folder")
    return labelled


def _values(part: _Part, judges: Mapping[str, Metric]) -> list[Values]:
    return [measure_row(row, judges, part.settings.kbs) for row in part.rows]


# ── one data set ───────────────────────────────────────────────────────────────────────────────


def _section(
    dataset: str, parts: Sequence[_Part], values: Sequence[Sequence[Values]], primary: str, against: str | None
) -> Section:
    _check_same_questions(dataset, parts)
    scored = {
        part.label: {id_: of_row[primary] for id_, of_row in zip(part.ids, of_rows, strict=True) if primary in of_row}
        for part, of_rows in zip(parts, values, strict=True)
    }
    setups: list[RunSettings] = []
    for part in parts:
        setup = replace(part.settings, policy=drop_folders(part.settings.policy))
        if setup not in setups:
            setups.append(setup)
    return Section(
        dataset,
        len({id_ for part in parts for id_ in part.ids}),
        tuple(setups),
        tuple(
            replace(
                sum_up(
                    part.label,
                    part.rows,
                    of_rows,
                    kinds=part.settings.kbs,
                    primary=primary,
                    prices=part.prices,
                    alone=part.alone,
                ),
                best_of=_best_of(part, parts, scored),
            )
            for part, of_rows in zip(parts, values, strict=True)
            if part.rows
        ),
        tuple(_compare(scored, against)),
        tuple(_notes(parts, scored, primary)),
    )


def _best_of(
    part: _Part, parts: Sequence[_Part], scored: Mapping[str, Mapping[str, float]]
) -> tuple[int, Interval] | None:
    """The best score of each question over all runs of this method, on the questions that each of them has."""
    tries = [scored[other.label] for other in parts if other.method == part.method]
    shared = [id_ for id_ in tries[0] if all(id_ in of for of in tries)]
    if len(tries) < 2 or not shared:
        return None
    return len(tries), compute_interval([max(of[id_] for of in tries) for id_ in shared])


def _check_same_questions(dataset: str, parts: Iterable[_Part]) -> None:
    first: dict[str, Example] = {}
    for part in parts:
        for row in part.rows:
            other = first.setdefault(row.example.id, row.example)
            if other is not row.example and other != row.example:
                raise InputError(
                    f"{dataset}: the question {row.example.id!r} is not the same in all runs; "
                    "report runs of different data sets apart"
                )


def _compare(scored: Mapping[str, Mapping[str, float]], against: str | None) -> list[Comparison]:
    """Every pair that shares questions, in the order of the methods, corrected together."""
    pairs = combinations(scored, 2) if against is None else ((m, against) for m in scored if m != against)
    found = []
    for a, b in pairs:
        shared = [id_ for id_ in scored[a] if id_ in scored.get(b, ())]
        if shared:
            found.append((a, b, compare_paired([scored[a][i] for i in shared], [scored[b][i] for i in shared])))
    corrected = correct_by_holm([difference.p for _, _, difference in found])
    return [Comparison(a, b, difference, p) for (a, b, difference), p in zip(found, corrected, strict=True)]


def _notes(parts: Sequence[_Part], scored: Mapping[str, Mapping[str, float]], primary: str) -> Iterator[str]:
    everything = {id_ for part in parts for id_ in part.ids}
    for part in parts:
        failed = [row for row in part.rows if row.trajectory.stop == ERROR]
        if failed:
            reasons = Counter(row.trajectory.error for row in failed)
            reason, count = reasons.most_common(1)[0]
            yield (
                f"{part.label}: {len(failed)} of {len(part.rows)} questions failed and count as 0; "
                f"{'all' if count == len(failed) else f'{count} of them'}: {reason}"
            )
        if missing := len(everything) - len(part.rows):
            yield (
                f"{part.label} has answered {len(part.rows)} of {len(everything)} questions; {missing} are not in its "
                "scores, and the paired tests are on the questions that both methods have"
            )
        unscored = len(part.rows) - len(scored[part.label])
        if unscored:
            yield f"{part.label}: {primary} does not judge {unscored} of {len(part.rows)} questions"


def drop_folders(spec: str) -> str:
    """A spec that reads the same on every machine.

    >>> drop_folders("llamacpp:/home/ada/models/x.gguf?lora=/home/ada/a.gguf")
    'llamacpp:x.gguf?lora=a.gguf'
    >>> drop_folders("openai:M@http://localhost:8000/v1")
    'openai:M@http://localhost:8000/v1'
    """
    return re.sub(r"(?<=[:=])/(?!/)(?:[^/?&]*/)*", "", spec)


# ── as plain values ────────────────────────────────────────────────────────────────────────────


def make_plain(value: Any) -> Any:
    """A report as dicts, lists and scalars that `json.dumps` takes; numbers to six digits."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: make_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return make_plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): make_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [make_plain(item) for item in value]
    return round(value, 6) + 0.0 if isinstance(value, float) else value
