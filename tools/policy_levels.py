"""The value that a policy had for each store and day, read from its recorded changes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from data.dataset import PolicyChange
from tools.dose_response import MIN_LEVELS
from tools.errors import ToolFailure
from tools.incident_frame import slice_mask
from tools.unit_periods import Floats, Ints, UnitPeriods, unit_periods


class Dosed(NamedTuple):
    """A panel whose units have one history of the policy each."""

    panel: UnitPeriods
    level: Floats
    """The policy's value, shape (units, periods); NaN where no change says it, and where it changed on the way."""


def levels_recorded(changes: Sequence[PolicyChange]) -> tuple[tuple[float, float], ...]:
    """Old and new value of each change as numbers.

    Raises:
        ToolFailure: one is no number, or fewer than three different ones are recorded.
    """
    values = tuple((_number(c, c.old_value), _number(c, c.new_value)) for c in changes)
    different = len({value for pair in values for value in pair})
    if different < MIN_LEVELS:
        raise ToolFailure(
            f"not testable: {different} values are recorded in the period, {MIN_LEVELS} are needed"
        )
    return values


def dosed(panel: pd.DataFrame, facts: pd.DataFrame, changes: Sequence[PolicyChange]) -> Dosed:
    """Count orders into units x periods such that a unit's orders all had the policy's value at the same times.

    A change whose scope these data cannot read concerns no order. Cells in which the value changed on the way are
    given no weight.

    Args:
        panel: orders with `y`, `unit` and `time`.
        facts: their times, hours and dimensions, by the same index.
        changes: all of one policy in the period.

    Raises:
        ToolFailure: a value is no number, or fewer than three different ones are recorded.
    """
    changes = sorted(changes, key=lambda c: (c.changed_at, c.change_id))
    values = levels_recorded(changes)
    level, history = np.full(len(panel), np.nan), np.zeros(len(panel), dtype=np.int64)
    names = {name for change in changes for name, _ in change.scope.values} & set(facts)
    rows = facts.loc[panel.index, ["order_time", "hour", *sorted(names)]]
    for change, (old, new) in zip(changes, values, strict=True):
        if any(dimension not in rows for dimension, _ in change.scope.values):
            continue
        here = slice_mask(rows, change.scope)
        level[here & np.isnan(level)] = old
        level[here & (rows["order_time"] >= change.changed_at).to_numpy()] = new
        history = pd.factorize(history * 2 + here)[0].astype(np.int64)
    unit = panel["unit"].to_numpy(dtype=np.int64) * (int(history.max()) + 1) + history
    counted = unit_periods(panel.assign(unit=unit), outcome="y", unit="unit", time="time")
    return _by_cell(counted, unit, panel["time"].to_numpy(dtype=np.int64), level)


def _by_cell(panel: UnitPeriods, unit: Ints, time: Ints, level: Floats) -> Dosed:
    """A cell's level is that of its orders, where the first and the last one agree."""
    flat = np.searchsorted(panel.units, unit) * len(panel.periods) + np.searchsorted(panel.periods, time)
    last = np.full(panel.w.size, np.nan)
    first = last.copy()
    last[flat] = level
    first[flat[::-1]] = level[::-1]
    mixed = (first != last) & np.isfinite(last)
    w = np.where(mixed.reshape(panel.w.shape), 0.0, panel.w)
    return Dosed(
        UnitPeriods(panel.units, panel.periods, panel.y, w),
        np.where(mixed, np.nan, last).reshape(panel.w.shape),
    )


def _number(change: PolicyChange, value: str | None) -> float:
    try:
        number = float(value or "")
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise ToolFailure(f"not testable: {change.policy} = {value!r} is no number")
    return number
