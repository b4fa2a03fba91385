"""Values of results as short text: units, times, one line for a piece of evidence."""

from datetime import UTC, datetime
from typing import Any

from tools.evidence import Evidence

SECONDS = frozenset({"eta_error", "fulfilment"})
"""Metrics that are durations; all others but the CX Score are shares."""
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
    """
    if metric in SECONDS:
        return f"{value:.0f} s"
    return f"{value:.1f}" if metric == "cx_score" else f"{100 * value:.1f} %"


def change(value: float, unit: str) -> str:
    """A signed change in its unit.

    Example:
        >>> change(0.121, "share"), change(-2.0, "pp"), change(3.25, "score")
        ('+12.1 pp', '-2.0 pp', '+3.2 points')
    """
    number, name = {
        "share": (100 * value, "pp"),
        "pp": (value, "pp"),
        "score": (value, "points"),
        "s": (value, "s"),
        "orders_per_courier_hour": (value, "orders/courier-hour"),
        "usd_per_order": (value, "USD/order"),
    }.get(unit, (value, unit))
    digits = 0 if unit == "s" else 2 if unit in ("orders_per_courier_hour", "usd_per_order") else 1
    return f"{number:+.{digits}f} {name}"


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
