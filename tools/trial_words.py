"""Values of a monitor report in words."""

from tools.monitor_report import MetricReading
from tools.wording import amount

_PLAIN = {"share", "s"}


def change(metric: MetricReading, value: float | None = None) -> str:
    """A change of a metric with its sign and unit; its own effect where no value is given.

    Example:
        >>> from tools.monitor_report import MetricReading
        >>> reading = MetricReading(metric="on_time", role="primary", direction="increase", unit="share",
        ...     status="improved", text="", effect=0.0213)
        >>> change(reading), change(reading, -0.004)
        ('+2.1 pp', '-0.4 pp')
    """
    shown = metric.effect if value is None else value
    if shown is None:
        return "-"
    text = amount(shown, metric.unit, signed=True)
    return text if metric.unit in _PLAIN else f"{text} {metric.unit.replace('_', ' ')}"
