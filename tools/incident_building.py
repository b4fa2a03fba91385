"""Episodes as incidents: the numbers, the onset, the severity and the slices that people are shown."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from data.dataset import Dataset
from data.slices import Slice
from tools.buckets import all_zones, moment_of
from tools.cube import Floats, encode_labels
from tools.feeds import Break
from tools.incident_identity import continued
from tools.incidents import Incident, Kind, Severity, SliceDelta, Window
from tools.localise import describe, greedy
from tools.metrics import Metric
from tools.multiplicity import benjamini_hochberg
from tools.planned_events import Planned, event_of
from tools.scan import Counts, Found, Grid
from tools.search import Episode
from tools.severity import rank, severity
from tools.significance import log_likelihood_ratio, p_value, z_of
from tools.sweep import Bools, Sweep

TOP_SLICES: Final = 8
FREEDOM: Final = 58.0
"""Of the over-dispersion: a month of days and the family's."""
_QUIET_DAYS: Final = 1
"""After more closed days without trouble than this an incident is over."""
_CLEAR_Z: Final = 2.5
_ONSET_GAIN: Final = 2.0
"""Log-likelihood that a later first hour must add."""


class Evidence(NamedTuple):
    """One metric of an episode, over its whole window."""

    metric: Metric
    trials: float
    harm: float
    expected: float
    z: float
    points: float
    """Of the CX index that it costs within the slice."""


def incidents(
    dataset: Dataset,
    sweep: Sweep,
    episodes: Sequence[Episode],
    broken: Sequence[Break],
    history: Sequence[Incident],
    planned: Sequence[Planned] = (),
    *,
    recorded: Floats,
) -> tuple[Incident, ...]:
    """All incidents, worst first; those of planned events are labelled, and low.

    Args:
        dataset: says where local hours lie.
        sweep: what was tested; without the orders whose records cannot be trusted.
        episodes: what went wrong.
        broken: what cannot be trusted.
        history: incidents of earlier runs.
        planned: what was known beforehand.
        recorded: orders by row of the cells, trusted or not.
    """
    q = benjamini_hochberg([one.alarm_p for one in episodes], tests=max(sweep.count(), len(episodes), 1))
    made = [
        _known(_incident(dataset, sweep, one, float(q_value)), event_of(one, planned))
        for one, q_value in zip(episodes, q, strict=True)
    ]
    made += [_known(_data_fault(dataset, sweep, one, recorded), foreseen(one, planned)) for one in broken]
    ordered = sorted(made, key=lambda item: (*item.order, item.incident.onset, item.incident.id))
    return continued([item.incident for item in ordered], history)


class _Ranked(NamedTuple):
    incident: Incident
    order: tuple[int, bool, float]
    """Sorts the worst first: by severity, then what still lasts, then by impact."""


def foreseen(broken: Break, planned: Sequence[Planned]) -> str | None:
    """The planned event that explains an odd volume; it explains no other fault of the records."""
    return event_of(broken, planned) if broken.metric == "order_volume" else None


def _known(made: _Ranked, event: str | None) -> _Ranked:
    if event is None:
        return made
    labelled = made.incident.model_copy(update={"planned": event, "severity": Severity.LOW})
    return _Ranked(labelled, (-rank(Severity.LOW), *made.order[1:]))


def _incident(dataset: Dataset, sweep: Sweep, episode: Episode, q: float) -> _Ranked:
    cube = sweep.cube
    rows = cube.within(episode)
    evidence = [_evidence(sweep, name, rows, episode.phi) for name in sweep.weights]
    main = _main(evidence)
    orders = float(cube.orders[rows].sum())
    all_orders = float(cube.orders[(cube.day >= episode.first) & (cube.day < episode.last)].sum())
    lost = sum(part.points for part in evidence)
    level = severity(index_drop=lost, order_share=orders / all_orders, days=episode.last - episode.first)
    window = _window(dataset, sweep, episode, main.metric.id)
    baseline, current = (main.metric.value(part / main.trials) for part in (main.expected, main.harm))
    incident = Incident(
        id=_id(Kind.CX, main.metric.id, episode.slice, cube.first_day + episode.first),
        kind=Kind.CX,
        metric=main.metric.id,
        slice=episode.slice,
        window=window,
        onset=window.start,
        baseline=baseline,
        current=current,
        delta=current - baseline,
        z=-main.z,
        q_value=q,
        severity=level,
        affected_orders=round(orders),
        top_slices=tuple(_top_slices(sweep, episode, main.metric)),
    )
    over = episode.last < sweep.last[main.metric.id] - _QUIET_DAYS
    return _Ranked(incident, (-rank(level), over, -lost * orders))


def _evidence(sweep: Sweep, name: str, rows: Bools, phi: float) -> Evidence:
    signal = sweep.signal(name)
    trials, harm, expected = (
        float(part[rows].sum()) for part in (signal.trials, signal.harm, signal.expected)
    )
    if trials <= 0 or expected <= 0:
        return Evidence(signal.metric, trials, harm, expected, 0.0, 0.0)
    ratio = log_likelihood_ratio(*(np.asarray([part]) for part in (harm, expected, trials)))
    z = float(z_of(p_value(np.sqrt(2 * ratio / phi), np.asarray([FREEDOM])))[0])
    points = 100 * sweep.weights[name] * (harm - expected) / trials
    return Evidence(signal.metric, trials, harm, expected, z, points)


def _main(evidence: Sequence[Evidence]) -> Evidence:
    """The metric that costs most of the CX index among those clearly worse; else the clearest."""
    clear = [part for part in evidence if part.z >= _CLEAR_Z]
    if clear:
        return max(clear, key=lambda part: part.points)
    return max((part for part in evidence if part.trials > 0), key=lambda part: part.z)


def _window(dataset: Dataset, sweep: Sweep, episode: Episode, metric: str) -> Window:
    hour = episode.slice.hour
    first, last = episode.first + sweep.cube.first_day, episode.last - 1 + sweep.cube.first_day
    begin = hour.start if hour else _first_hour(sweep, episode, metric)
    start = _earliest(dataset, episode.slice, first, begin)
    end = _latest(dataset, episode.slice, last, hour.end if hour else 24)
    return Window(start=start, end=max(min(end, dataset.as_of), start + timedelta(hours=1)))


def _first_hour(sweep: Sweep, episode: Episode, metric: str) -> int:
    """Local hour of the first day from which on it was bad; 0 unless a later one is clearly better."""
    signal = sweep.signal(metric)
    rows = sweep.cube.within(episode) & (sweep.cube.day == episode.first)
    hour = sweep.cube.hour[rows]
    sums = (
        np.bincount(hour, weights=part[rows], minlength=24)[::-1].cumsum()[::-1]
        for part in (signal.harm, signal.expected, signal.trials)
    )
    harm, expected, trials = sums
    ratio = log_likelihood_ratio(harm, np.maximum(expected, 1e-9), np.maximum(trials, 1e-6))
    ratio = ratio / episode.phi
    best = int(np.argmax(ratio))
    return best if ratio[best] > ratio[0] + _ONSET_GAIN else 0


def _zones(dataset: Dataset, slice_: Slice) -> tuple[str, ...]:
    region = slice_.get("region")
    if region is not None:
        return (dataset.mapping.zone_of(region),)
    cells = dataset.cells()
    known = cells["region"].cat.categories if "region" in cells.columns else ()
    return all_zones(dataset.mapping, [str(one) for one in known])


def _earliest(dataset: Dataset, slice_: Slice, day: int, hour: int) -> datetime:
    return min(moment_of(zone, day, hour) for zone in _zones(dataset, slice_))


def _latest(dataset: Dataset, slice_: Slice, day: int, hour: int) -> datetime:
    return max(moment_of(zone, day, hour) for zone in _zones(dataset, slice_))


def _top_slices(sweep: Sweep, episode: Episode, metric: Metric) -> Iterator[SliceDelta]:
    """The episode's slice, then what else is worse in the same days beyond it."""
    cube, signal = sweep.cube, sweep.signal(metric.id)
    inside = (cube.day >= episode.first) & (cube.day < episode.last) & (signal.trials > 0)
    codes = {name: encode_labels(cube.columns[name][inside]) for name in cube.dims}
    grid = Grid.of(codes, cube.hour[inside], int(inside.sum()), max_dims=cube.most_dims)
    counts = Counts(signal.trials[inside], signal.harm[inside], signal.expected[inside], phi=episode.phi)
    first = Found(episode.slice, 0.0, 1)
    found = greedy(grid, counts, max_slices=TOP_SLICES, alpha=0.01, given=first)
    for delta in describe(grid, counts, tuple(found), cube.orders[inside]):
        yield delta if metric.better == "lower" else turned(delta)


def turned(delta: SliceDelta) -> SliceDelta:
    """The same change counted in the good outcome instead of the bad one."""
    return delta.model_copy(update={"delta": -delta.delta, "low": -delta.high, "high": -delta.low})


def _data_fault(dataset: Dataset, sweep: Sweep, broken: Break, recorded: Floats) -> _Ranked:
    first, hour = broken.first + sweep.cube.first_day, broken.slice.hour
    start = _earliest(dataset, broken.slice, first, hour.start if hour else 0)
    end = _latest(dataset, broken.slice, first + broken.last - broken.first - 1, hour.end if hour else 24)
    incident = Incident(
        id=_id(Kind.DATA_QUALITY, broken.metric, broken.slice, first),
        kind=Kind.DATA_QUALITY,
        metric=broken.metric,
        slice=broken.slice,
        window=Window(start=start, end=end),
        onset=start,
        baseline=broken.expected,
        current=broken.seen,
        delta=broken.seen - broken.expected,
        z=broken.z,
        q_value=float(p_value(np.asarray([abs(broken.z)]), np.asarray([FREEDOM]))[0]),
        severity=Severity.MEDIUM if broken.slice.values else Severity.HIGH,
        affected_orders=round(float(recorded[sweep.cube.within(broken)].sum())),
        top_slices=(),
    )
    over = broken.last < max(sweep.last.values()) - _QUIET_DAYS
    return _Ranked(incident, (-rank(incident.severity), over, -float(incident.affected_orders)))


def _id(kind: Kind, metric: str, slice_: Slice, day: int) -> str:
    """Stable while metric, slice and day of onset are."""
    text = "|".join((kind.value, metric, str(slice_), str(day)))
    return f"inc-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
