"""The table of top regressing slices that people expect: rank, slice, drop, stars."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from tools.incidents import SliceDelta

LEVELS: Final = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
LEGEND: Final = "*** q <= 0.001, ** q <= 0.01, * q <= 0.05, after all slices that were searched"


class TopRow(NamedTuple):
    """One line of the table, in words."""

    rank: int
    slice: str
    drop: str
    """With its interval."""
    share: str
    """Of the whole change."""
    orders: str
    stars: str


def stars(q_value: float) -> str:
    """Significance as people are used to see it.

    Example:
        >>> stars(0.0004), stars(0.03), stars(0.2)
        ('***', '*', '')
    """
    return next((mark for bound, mark in LEVELS if q_value <= bound), "")


def top_rows(slices: Sequence[SliceDelta], *, unit: str = "share") -> tuple[TopRow, ...]:
    """The table's lines, in the order given.

    Args:
        slices: strongest first.
        unit: `share` or `s`, of the metric.

    Example:
        >>> from data.slices import Slice
        >>> one = SliceDelta(slice=Slice.parse({"region": "SF"}), delta=-0.14, low=-0.17, high=-0.11,
        ...     q_value=1e-9, share=0.8, orders=1263)
        >>> top_rows([one])[0]
        TopRow(rank=1, slice='region=SF', drop='-14.0 pp (-17.0 to -11.0)', share='80 %', orders='1,263', stars='***')
    """
    return tuple(
        TopRow(rank, str(one.slice), _drop(one, unit), f"{one.share:.0%}".replace("%", " %"),
               f"{one.orders:,}", stars(one.q_value))
        for rank, one in enumerate(slices, start=1)
    )  # fmt: skip


def _drop(one: SliceDelta, unit: str) -> str:
    scale, digits, name = (1.0, 0, "s") if unit == "s" else (100.0, 1, "pp")
    middle, low, high = (f"{scale * value:+.{digits}f}" for value in (one.delta, one.low, one.high))
    return f"{middle} {name} ({low} to {high})"
