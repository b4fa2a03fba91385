"""Faults put into published data, with their true cause: the split of the evaluation that no simulator made.

Orders, days, storms and couriers are real; only the fault is ours. The slice and window that a fault is put into must be
ordinary as they really were, and the incident must stand out once it is there; so the fault is what there is to explain.
Where nothing is wrong, the calendar is dealt anew from real days, and the worst that chance offers is taken.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from data.slices import Slice
from evals.parallel import side_by_side
from evals.pseudo_incidents import incident, seen_inexactly, window, worst_by_chance
from evals.samples import Sample
from evals.seeds import derive
from evals.semi import flights, food
from evals.semi.fault import Fault, change, with_changes
from evals.semi.history import History, Place
from evals.semi.recording import Recording
from tools.adjudication import REAL_Z
from tools.battery import run_all
from tools.errors import ToolFailure
from tools.features import outcome_z, read
from tools.incident_frame import cut
from tools.incidents import Window
from tools.outcomes import harm
from tools.registry import ToolContext
from tools.settings import AnalysisSettings
from tools.shift import measure, residualise

SPACE: Final = "cx-eval-semi"
DATASETS: Final = (flights.NAME, food.NAME)
NULLS: Final = 2
"""Cases by chance, in every turn through the faults of a data set."""
QUIET_Z: Final = 1.0
"""What an incident's slice and window may stand out by before the fault is put in."""
ATTEMPTS: Final = 400
"""Places that are tried."""
SUSPECTED: Final = timedelta(days=8)
"""A change within so long before an onset is a candidate for its cause."""
WINDOWS: Final = 4
"""Windows of a calendar without reasons, of which the worst is taken."""
FREQUENT: Final = 15
"""Orders a day of a category that may be bad by chance."""
DECOYS: Final = 4
"""Most recorded changes that have nothing to do with the case."""


class Where(NamedTuple):
    """Which case."""

    folder: Path
    label: str
    number: int
    datasets: tuple[str, ...]


class Seen(NamedTuple):
    """What somebody would have reported."""

    metric: str
    slice: Slice
    window: Window


def samples(
    folder: Path, label: str, *, incidents: int, datasets: Sequence[str] = DATASETS, workers: int = 1
) -> tuple[Sample, ...]:
    """Cases in turn: through the data sets, and in each through its faults and chance.

    Args:
        folder: holds a folder for each data set, as the shipped mappings read it.
        label: what the seeds are derived from.
        incidents: how many.
        datasets: of `DATASETS`.
        workers: processes; 1 works in this one.

    Raises:
        DataError: a data set is not in the folder.
    """
    cases = [Where(folder, label, number, tuple(datasets)) for number in range(incidents)]
    return tuple(side_by_side(sample, cases, workers=workers))


def sample(where: Where) -> Sample:
    """One case, from its number alone."""
    rng = np.random.default_rng(derive(SPACE, where.label, where.number))
    turn, which = divmod(where.number, len(where.datasets))
    recording = published(where.folder, where.datasets[which], rng)
    at = turn % (len(recording.faults) + NULLS)
    if at >= len(recording.faults):
        return _chance(rng, where.number, recording)
    return _fault(rng, where.number, recording, recording.faults[at])


def published(folder: Path, name: str, rng: np.random.Generator) -> Recording:
    """A data set; that of food in one of its two forms."""
    if name == flights.NAME:
        return flights.read(folder)
    if name == food.NAME:
        return food.read(folder, columns_of_time=bool(rng.random() < 0.5))
    raise ValueError(f"datasets: {name!r} is none of {', '.join(DATASETS)}")


def _fault(rng: np.random.Generator, number: int, recording: Recording, fault: Fault) -> Sample:
    for _ in range(ATTEMPTS):
        place = recording.place(rng, fault)
        if place is None:
            continue
        name = str(rng.choice(list(fault.metrics), p=list(fault.metrics.values())))
        seen = Seen(name, seen_inexactly(rng, place.scope), window(rng, place.onset, place.finish))
        if not abs(stands_out(recording.facts, seen)) < QUIET_Z:
            continue
        changed = fault.inject(rng, recording.weeks(place), place)
        if stands_out(changed.outcomes(), seen) >= REAL_Z:
            apart = place if fault.cause in recording.blind else None
            return _judged(number, fault.cause, _with_decoys(rng, recording, changed, apart), seen)
    raise RuntimeError(
        f"case {number}, {recording.name}, {fault.name}: none of {ATTEMPTS} places was ordinary and then stood out"
    )


def _chance(rng: np.random.Generator, number: int, recording: Recording) -> Sample:
    """The worst of some windows of a calendar without reasons: what a search over all days would have come upon."""
    history = recording.by_chance(rng)
    outcomes = history.outcomes()
    frequent = _frequent(outcomes)
    name = str(rng.choice(list(recording.metrics), p=list(recording.metrics.values())))
    found: list[tuple[float, Seen]] = []
    for _ in range(WINDOWS):
        worst = worst_by_chance(rng, frequent, name, length=int(rng.integers(1, 5)))
        if worst is not None:
            seen = Seen(name, *worst)
            found += [(z, seen) for z in [stands_out(outcomes, seen)] if not np.isnan(z)]
    if not found:
        raise RuntimeError(f"case {number}, {recording.name}: no window of the calendar can be looked at")
    seen = max(found, key=lambda one: one[0])[1]
    return _judged(number, "none", _with_decoys(rng, recording, history, None), seen)


def _frequent(orders: pd.DataFrame) -> pd.DataFrame:
    """Those of categories that are ordered often enough for a window of them to be looked at."""
    counts = orders["category"].value_counts() / orders["day"].nunique()
    kept = orders[orders["category"].isin(counts.index[counts >= FREQUENT])]
    return kept.assign(category=kept["category"].cat.remove_unused_categories())


def stands_out(facts: pd.DataFrame, seen: Seen) -> float:
    """Standard errors between days by which a window is worse at like hours; NaN where it cannot be said."""
    try:
        frame = cut(
            facts,
            slice=seen.slice,
            start=seen.window.start,
            end=seen.window.end,
            baseline_days=AnalysisSettings().baseline_days,
        )
    except ToolFailure:
        return float("nan")
    bad = harm(frame.rows, seen.metric)
    keep = frame.inside & ~np.isnan(bad)
    during, hours = frame.during[keep], frame.hour_kind[keep]
    shift = measure(bad[keep], frame.day[keep], during, residuals=residualise(bad[keep], during, (hours,)))
    return float("nan") if shift is None else shift.z


def _with_decoys(
    rng: np.random.Generator, recording: Recording, history: History, apart: Place | None
) -> History:
    """In half of the cases changes are recorded that do nothing.

    Where the true cause is not in the data, none of them lies where it would be suspected with good reason (`apart`).
    """
    rows = []
    for _ in range(int(rng.integers(1, DECOYS + 1)) if rng.random() < 0.5 else 0):
        order = history.orders.iloc[int(rng.integers(len(history.orders)))]
        scope, moment = recording.scope(rng, history.orders), order["order_time"]
        near = apart is not None and moment >= apart.onset - SUSPECTED and scope.overlaps(apart.scope)
        rows += [] if near else [change(rng, scope, moment)]
    return with_changes(history, rows)


def _judged(number: int, cause: str, history: History, seen: Seen) -> Sample:
    """What the battery says; a cause that the tables cannot speak to has `other` for its right answer."""
    dataset = history.dataset()
    reported = incident(dataset.facts(), seen.metric, seen.slice, seen.window)
    results = run_all(reported, ToolContext(dataset))
    pool = {id_: result.evidence for id_, result in results.items() if result.evidence}
    readings = {id_: read(id_, evidence) for id_, evidence in pool.items()}
    label = cause if cause in ("none", *readings) else "other"
    kind: Literal["fault", "withheld", "chance"] = "fault"
    if label in ("none", "other"):
        kind = "chance" if label == "none" else "withheld"
    return Sample(number, kind, label, readings, outcome_z(pool, -reported.z))
