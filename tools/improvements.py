"""What got better: the same search turned round, over the newest days. It is shown and never raises an incident."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from tools.incident_building import FREEDOM
from tools.incidents import Improvement
from tools.search import Episode, search
from tools.significance import log_likelihood_ratio, p_value, z_of
from tools.sweep import Sweep

NEWEST_DAYS: Final = 3
"""Older improvements are usual by now."""


def improvements(sweep: Sweep) -> Iterator[Improvement]:
    """Slices that are clearly better than expected at the end, clearest first.

    Args:
        sweep: as made for the search of what got worse; what was taken out of it counts again.
    """
    end = max(sweep.last.values(), default=0)
    for episode in search(sweep.mirrored(), first=max(end - NEWEST_DAYS, 0)):
        yield _improvement(sweep, episode)


def _improvement(sweep: Sweep, episode: Episode) -> Improvement:
    signal = sweep.signal(episode.signals[0])
    rows = sweep.cube.within(episode)
    trials, harm, expected = (
        float(part[rows].sum()) for part in (signal.trials, signal.harm, signal.expected)
    )
    baseline, current = (signal.metric.value(part / trials) for part in (expected, harm))
    return Improvement(
        metric=signal.metric.id,
        slice=episode.slice,
        days=episode.last - episode.first,
        baseline=baseline,
        current=current,
        delta=current - baseline,
        z=_z(trials, harm, expected, episode.phi),
        orders=round(float(sweep.cube.orders[rows].sum())),
    )


def _z(trials: float, harm: float, expected: float, phi: float) -> float:
    """Standard score, positive: better for customers."""
    good, awaited = trials - harm, trials - expected
    ratio = log_likelihood_ratio(np.asarray([good]), np.asarray([awaited]), np.asarray([trials]))
    return float(z_of(p_value(np.sqrt(2 * ratio / phi), np.asarray([FREEDOM])))[0])
