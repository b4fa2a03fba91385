"""A calendar dealt anew from real days, so that no day can differ from another for a reason.

Every new day is a real one of the same weekday. Days are dealt like cards, and once all lie on the table they are dealt
again. The worst are left out beforehand, in the window as before it: a storm would be a true incident wherever it came
to lie, and nobody could call it none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evals.semi.history import History
from tools.outcomes import harm
from tools.shift import codes

Ints = npt.NDArray[np.int64]

ORDINARY: Final = 0.85
"""Share of the days, by each of the outcomes, that count as ordinary."""
WEEK: Final = 7


class _Move(NamedTuple):
    """A real day of a part of the business, and the day that it becomes."""

    part: int
    source: int
    target: int


def dealt(
    rng: np.random.Generator,
    history: History,
    *,
    metrics: Sequence[str],
    weeks: int,
    by: Sequence[str],
) -> History:
    """A history of some weeks, made of the ordinary days of a longer one and ending with it; events stay where they are.

    Args:
        rng: decides which day comes where.
        history: whole local days.
        metrics: outcomes by which a day may be out of the ordinary.
        weeks: of the new calendar.
        by: dimensions that make the parts whose days are dealt, each for itself (a market's days).
    """
    orders = history.orders
    part = codes(*(orders[name].astype(str).to_numpy(dtype=np.str_) for name in by))
    ordinary = _ordinary(history.outcomes(), part, metrics)
    last = int(orders["day"].max())
    targets = range(last - WEEK * weeks + 1, last + 1)
    moves = [move for one in sorted(ordinary) for move in _deal(rng, one, ordinary[one], targets)]
    return replace(history, orders=_orders(history, part, moves))


def _ordinary(outcomes: pd.DataFrame, part: Ints, metrics: Sequence[str]) -> dict[int, list[int]]:
    """The days of each part that were no worse than most, beside others of their weekday."""
    table = pd.DataFrame({"part": part, "day": outcomes["day"].to_numpy()})
    harms = {name: harm(outcomes, name) for name in metrics}
    means = table.assign(**harms).groupby(["part", "day"])[list(metrics)].mean().reset_index()
    usual = means.groupby(["part", means["day"] % WEEK])[list(metrics)].transform("mean")
    excess = means[list(metrics)] - usual
    bound = excess.groupby(means["part"]).transform("quantile", ORDINARY)
    kept = means[(excess <= bound).all(axis=1)]
    found: dict[int, list[int]] = {}
    for one, day in zip(kept["part"].tolist(), kept["day"].tolist(), strict=True):
        found.setdefault(one, []).append(day)
    return found


def _deal(rng: np.random.Generator, part: int, donors: Sequence[int], targets: range) -> Iterator[_Move]:
    for weekday in range(WEEK):
        alike = [day for day in donors if day % WEEK == weekday]
        if not alike:
            continue
        cards: list[int] = []
        for target in (day for day in targets if day % WEEK == weekday):
            cards = cards or [int(day) for day in rng.permutation(alike)]
            yield _Move(part, cards.pop(), target)


def _orders(history: History, part: Ints, moves: Sequence[_Move]) -> pd.DataFrame:
    orders = history.orders
    rows = pd.DataFrame({"part": part, "day": orders["day"].to_numpy()}).groupby(["part", "day"]).indices
    taken = [rows[move.part, move.source] for move in moves]
    target = np.repeat([move.target for move in moves], [len(part) for part in taken])
    found = orders.iloc[np.concatenate(taken)].reset_index(drop=True)
    time = _later(history, found["order_time"], target - found["day"].to_numpy(dtype=np.int64))
    names = found["order_id"].astype(str) + "+" + pd.Series(target.astype(str))
    moved = found.assign(order_time=time, day=target, order_id=names)
    return moved.sort_values(["order_time", "order_id"], kind="stable").reset_index(drop=True)


def _later(
    history: History, times: "pd.Series[pd.Timestamp]", days: npt.NDArray[np.int64]
) -> "pd.Series[pd.Timestamp]":
    """The same local time some days later, whatever the clocks did in between."""
    zone = history.mapping.zone_of(None)
    local = times.dt.tz_convert(zone).dt.tz_localize(None) + pd.to_timedelta(days, unit="D")
    summer = np.ones(len(local), dtype=bool)
    moved = local.dt.tz_localize(zone, ambiguous=summer, nonexistent=timedelta(hours=1))
    return moved.dt.tz_convert("UTC")
