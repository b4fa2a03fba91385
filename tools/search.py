"""From alarms to episodes: which slice, from when to when, and each trouble only once.

The strongest alarm says roughly where and when. The slice is then chosen by what explains the excess of the
involved metrics over those days, widened while the rest of a wider slice shares the trouble, and taken out of the
data; whatever still stands out afterwards is another episode, or a late part of one already found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
from scipy import special

from data.slices import Slice
from tools.cube import Floats, encode_labels
from tools.lattice import Bools
from tools.scan import Counts, Grid
from tools.significance import log_likelihood_ratio
from tools.sweep import Alarm, Sweep

OWN_PAST: Final = 6e-5
"""Nominal chance of a false alarm a day, over everything that is tested against its own past. This strict because
shocks that a whole place shares have a longer tail than Student's t."""
WITHIN_PLACE: Final = 1e-3
"""The same for slices tested against the rest of their place, which went through the same shocks, so that the nominal
chance holds. On worlds without a fault both together raise an incident in about two weeks of a hundred
(`cx bench detect`)."""
_CONFIRMED_P: Final = 1e-6
"""An episode must be this unlikely over its whole window too."""
LONGEST_DAYS: Final = 60
MOST_EPISODES: Final = 60
_INVOLVED_Z: Final = 2.0
_SHARED_Z: Final = 3.0
_SHARED_EFFECT: Final = 0.5
"""A wider slice is named where its other orders got at least this part of the effect."""
_GAP_DAYS: Final = 2
_LONGER: Final = 3
_FIERCER: Final = 4.0
"""A peak is its own trouble where the time around it lasts so many times longer and is so many times milder."""
_CONTEXT_DAYS: Final = 14


@dataclass(frozen=True)
class Episode:
    """One trouble: a slice and a run of days, counted from the cube's first."""

    slice: Slice
    first: int
    last: int
    """The day after its last."""
    signals: tuple[str, ...]
    """Metrics that got worse, strongest first."""
    p: float
    """Of its whole window, all its metrics together."""
    alarm_p: float
    """Of the test that raised it; this is what false-discovery control applies to."""
    phi: float
    effects: Mapping[str, float] = field(default_factory=dict)
    """Excess of harm per trial, by metric."""


class Daily(NamedTuple):
    """One signal of a slice by day."""

    trials: Floats
    harm: Floats
    expected: Floats


def search(sweep: Sweep, *, first: int = 0, budget: float = OWN_PAST) -> tuple[Episode, ...]:
    """All episodes of a sweep, in the order in which they were found (strongest first).

    Args:
        sweep: what is found is taken out of it.
        first: the first day to look at.
        budget: nominal chance of a false alarm a day.
    """
    limit = budget / max(sweep.count_daily(), 1.0)
    end = max(sweep.last.values(), default=0)
    alarms = [alarm for alarm in sweep.alarms(first, end) if alarm.p <= limit]
    episodes: list[Episode] = []
    for _ in range(MOST_EPISODES):
        if not alarms:
            break
        episode = _episode(sweep, alarms[0])
        sweep.exclude(sweep.cube.within(episode))
        episodes = _merged(episodes, episode)
        low, high = max(episode.first - 1, first), min(episode.last + _CONTEXT_DAYS, end)
        kept = [alarm for alarm in alarms[1:] if not low <= alarm.day < high]
        again = [alarm for alarm in sweep.alarms(low, high) if alarm.p <= limit]
        alarms = sorted(kept + again)
    return tuple(one for one in episodes if one.p <= _CONFIRMED_P)


def merged(first: Sequence[Episode], second: Sequence[Episode]) -> tuple[Episode, ...]:
    """Two lists of episodes without those of the second that are in the first already."""
    together = list(first)
    for episode in second:
        together = _merged(together, episode)
    return tuple(together)


def _episode(sweep: Sweep, alarm: Alarm) -> Episode:
    """The trouble behind an alarm; the alarm's own slice where the search finds none that is clearer."""
    seed = sweep.slice_of(alarm)
    names = _involved(sweep, seed, alarm)
    days = _run(sweep, seed, names, alarm)
    phi = sweep.phi(names[0], seed, alarm.day)
    slice_ = _localise(sweep, seed, names, days, phi)
    slice_ = _widened(sweep, slice_, names, days, phi)
    days = _run(sweep, slice_, names, alarm)
    found = _judged(sweep, slice_, days, names, alarm)
    if found.p <= _CONFIRMED_P:
        return found
    return _judged(sweep, seed, _run(sweep, seed, names, alarm), names, alarm)


def _judged(
    sweep: Sweep, slice_: Slice, days: tuple[int, int], names: Sequence[str], alarm: Alarm
) -> Episode:
    """The episode with the significance of its metrics together, each with its own over-dispersion."""
    score, phis, effects = 0.0, [], {}
    for name in names:
        trials, harm, expected = (
            np.asarray([part[slice(*days)].sum()]) for part in _daily(sweep, slice_, name)
        )
        phis.append(sweep.phi(name, slice_, days[0]))
        effects[name] = float(harm[0] - expected[0]) / max(float(trials[0]), 1.0)
        if trials[0] > expected[0] > 0:
            score += float(log_likelihood_ratio(harm, expected, trials)[0]) / phis[-1]
    p = float(special.gammaincc(len(names) / 2, score))
    return Episode(slice_, *days, tuple(names), p, alarm.p, phis[0], effects)


def _involved(sweep: Sweep, slice_: Slice, alarm: Alarm) -> tuple[str, ...]:
    """Metrics that are worse in the slice over the alarm's days, strongest first."""
    strength: dict[str, float] = {}
    begin = alarm.day if alarm.single else max(alarm.day - 2, sweep.span.warmup_days)
    for name in sweep.weights:
        daily = _daily(sweep, slice_, name)
        trials, harm, expected = (float(part[begin : alarm.day + 1].sum()) for part in daily)
        chance = expected * (1 - expected / trials) if trials > expected > 0 else 1.0
        strength[name] = (harm - expected) / np.sqrt(sweep.phi(name, slice_, alarm.day) * chance)
    ordered = sorted(strength, key=lambda name: (name != alarm.signal, -strength[name], name))
    chosen = tuple(n for n in ordered if n == alarm.signal or strength[n] > _INVOLVED_Z)
    return chosen or tuple(ordered[:1])


def _daily(sweep: Sweep, slice_: Slice, name: str) -> Daily:
    signal = sweep.signal(name)
    rows = sweep.cube.rows(slice_) & ~sweep.excluded
    trials, harm, expected = (
        np.bincount(sweep.cube.day[rows], weights=part[rows], minlength=sweep.cube.days).astype(np.float64)
        for part in (signal.trials, signal.harm, signal.expected)
    )
    return Daily(trials, harm, expected)


def _run(sweep: Sweep, slice_: Slice, names: Sequence[str], alarm: Alarm) -> tuple[int, int]:
    """The days, around the alarm's, over which one constant shift explains most."""
    begin = max(alarm.day - LONGEST_DAYS, sweep.span.warmup_days)
    end = min(alarm.day + LONGEST_DAYS, max(sweep.last.values()))
    size = end - begin
    score = np.zeros((size + 1, size + 1))
    for name in names:
        daily = _daily(sweep, slice_, name)
        sums = [np.concatenate([[0.0], np.cumsum(part[begin:end])]) for part in daily]
        trials, harm, expected = (total[None, :] - total[:, None] for total in sums)
        some = np.maximum(expected, 1e-9)
        ratio = log_likelihood_ratio(harm, some, np.maximum(np.maximum(trials, harm), 1.001 * some))
        score += np.where(trials > 0, ratio, 0.0)
    first, last = np.arange(size + 1)[:, None] + begin, np.arange(size + 1)[None, :] + begin
    touches = (first <= alarm.day) & (last > max(alarm.day - 2, begin)) & (first < last)
    best = int(np.argmax(np.where(touches, score, -1.0)))
    return begin + best // (size + 1), begin + best % (size + 1)


def _localise(sweep: Sweep, seed: Slice, names: Sequence[str], days: tuple[int, int], phi: float) -> Slice:
    cube = sweep.cube
    inside = (cube.day >= days[0]) & (cube.day < days[1]) & ~sweep.excluded
    codes = {name: encode_labels(cube.columns[name][inside]) for name in cube.dims}
    grid = Grid.of(codes, cube.hour[inside], int(inside.sum()), max_dims=cube.most_dims)
    found = grid.best([_counts(sweep, name, inside, phi) for name in names], near=seed)
    return seed if found is None else found.slice


def _counts(sweep: Sweep, name: str, rows: Bools, phi: float) -> Counts:
    signal = sweep.signal(name)
    return Counts(signal.trials[rows], signal.harm[rows], signal.expected[rows], phi=phi)


def _widened(sweep: Sweep, slice_: Slice, names: Sequence[str], days: tuple[int, int], phi: float) -> Slice:
    """The widest slice around it whose other orders share the trouble."""
    for parent in _parents(slice_):
        if _shares(sweep, slice_, parent, names[0], days, phi):
            return _widened(sweep, parent, names, days, phi)
    return slice_


def _parents(slice_: Slice) -> list[Slice]:
    wider = [Slice(values=slice_.values, hour=None)] if slice_.hour else []
    for name, _ in slice_.values:
        wider.append(Slice(values=tuple(v for v in slice_.values if v[0] != name), hour=slice_.hour))
    return wider


def _shares(sweep: Sweep, slice_: Slice, parent: Slice, name: str, days: tuple[int, int], phi: float) -> bool:
    cube = sweep.cube
    inside = (cube.day >= days[0]) & (cube.day < days[1]) & ~sweep.excluded
    own = inside & cube.rows(slice_)
    rest = inside & cube.rows(parent) & ~own
    effect, _ = _effect(_counts(sweep, name, own, phi))
    other, z = _effect(_counts(sweep, name, rest, phi))
    return z >= _SHARED_Z and other >= _SHARED_EFFECT * effect


def _effect(counts: Counts) -> tuple[float, float]:
    """Excess harm per trial, and its standard score."""
    trials, harm, expected = (float(part.sum()) for part in counts.parts)
    if trials <= expected or expected <= 0:
        return 0.0, 0.0
    chance = expected * (1 - expected / trials)
    return (harm - expected) / trials, (harm - expected) / float(np.sqrt(counts.phi * chance))


def _merged(episodes: list[Episode], new: Episode) -> list[Episode]:
    """Add an episode, or let one that it is a part of grow."""
    for position, old in enumerate(episodes):
        if _same_trouble(old, new):
            grown = replace(old, first=min(old.first, new.first), last=max(old.last, new.last))
            keep_first = new.slice.values != old.slice.values or new.slice.hour != old.slice.hour
            episodes[position] = old if keep_first else grown
            return episodes
    return [*episodes, new]


def _same_trouble(old: Episode, new: Episode) -> bool:
    near = new.first <= old.last + _GAP_DAYS and old.first <= new.last + _GAP_DAYS
    together = new.first < old.last and old.first < new.last
    same = new.slice == old.slice and near
    return (same or (together and new.slice.overlaps(old.slice))) and not _apart(old, new)


def _apart(old: Episode, new: Episode) -> bool:
    """Whether one is a peak and the other the long, far milder time around it: two troubles in one place.

    What was found first was taken out, so each is bad without the other's days.
    """
    peak, around = sorted((old, new), key=lambda one: one.last - one.first)
    if around.last - around.first < _LONGER * (peak.last - peak.first):
        return False
    shared = peak.effects.keys() & around.effects.keys()
    return any(peak.effects[name] > _FIERCER * max(around.effects[name], 0.0) for name in shared)
