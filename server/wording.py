"""Values of results as short text: units, times, one line for a piece of evidence."""

from datetime import UTC, datetime
from typing import Any, Final

from tools.evidence import Evidence
from tools.feed_metrics import FEED_METRICS

SECONDS = frozenset({"eta_error", "fulfilment"})
"""Metrics that are durations in seconds."""
MOST = 4
"""Values that a line of evidence shows."""


def moment(time: datetime) -> str:
    """A time to the minute, in UTC.

    Example:
        >>> moment(datetime(2026, 2, 4, 8, tzinfo=UTC))
        '2026-02-04 08:00 UTC'
    """
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def amount(metric: str, value: float) -> str:
    """A metric's value with its unit.

    Example:
        >>> amount("on_time", 0.9234), amount("eta_error", 301.4), amount("cx_score", 71.23)
        ('92.3 %', '301 s', '71.2')
        >>> amount("order_volume", 11980.4), amount("order_clock", -3.0), amount("order_copies", 0.5)
        ('11,980 orders/day', '-3.0 h', '50.0 %')
    """
    if metric in SECONDS:
        return f"{value:.0f} s"
    unit = FEED_METRICS.get(metric, "share")
    if unit in _PER_DAY:
        return f"{value:,.0f} {_PER_DAY[unit]}"
    if unit == "h":
        return f"{value:+.1f} h" if value else "0 h"
    return f"{value:.1f}" if metric == "cx_score" else f"{100 * value:.1f} %"


_PER_DAY: Final = {"orders_per_day": "orders/day", "records_per_day": "records/day"}


def span(value: float, low: float, high: float, unit: str) -> str:
    """A signed change with its interval, in its unit.

    Example:
        >>> span(0.121, 0.09, 0.15, "share"), span(-61.8, -66.6, -58.1, "s")
        ('+12.1 pp (+9.0 to +15.0)', '-62 s (-67 to -58)')
        >>> span(-0.12, -0.18, -0.05, "orders_per_courier_hour")
        '-0.12 orders/courier-hour (-0.18 to -0.05)'
    """
    scale, digits, name = _SHOWN.get(unit, (1, 2, unit.replace("_", " ")))
    first, *bounds = (f"{scale * number:+.{digits}f}" for number in (value, low, high))
    return f"{first} {name} ({' to '.join(bounds)})"


_SHOWN: Final = {
    "share": (100, 1, "pp"),
    "pp": (1, 1, "pp"),
    "score": (1, 1, "points"),
    "s": (1, 0, "s"),
    "orders_per_courier_hour": (1, 2, "orders/courier-hour"),
    "usd_per_order": (1, 2, "USD/order"),
}


def outcome(passed: bool | None) -> str:
    """How a check of the challenge ended, from the leader's side.

    Example:
        >>> outcome(True), outcome(False), outcome(None)
        ('survived', 'failed', 'not testable')
    """
    return {True: "survived", False: "failed", None: "not testable"}[passed]


def explain(evidence: Evidence) -> str:
    """One line of a tool's result: its first few plain values.

    Example:
        >>> result = {"delta_pp": -14.02, "p_value": 0.00001, "orders": 1200, "rows": [1, 2]}
        >>> explain(Evidence(id="E1", tool="did", arguments={}, result=result, fingerprint="f"))
        'delta_pp -14.02, p_value 1e-05, orders 1200'
    """
    plain = [f"{name} {_short(value)}" for name, value in evidence.result.items() if _is_plain(value)]
    return ", ".join(plain[:MOST])


def _is_plain(value: Any) -> bool:  # noqa: ANN401  # any JSON value
    return isinstance(value, str | int | float) and value != ""


def _short(value: str | float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
