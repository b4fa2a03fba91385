"""How much an incident hurts a day: what escalation and merging compare."""

from datetime import timedelta
from typing import Final, NamedTuple

from tools.incidents import Incident, Kind

GROWN: Final = 1.5
"""An effect of this many times the one known so far is an escalation."""
_DAY: Final = timedelta(days=1)


class Effect(NamedTuple):
    """The size of an incident, comparable only within one metric."""

    metric: str
    per_day: float
    """Change of the metric times orders a day; for a data fault, the change alone."""

    def grown_from(self, before: "Effect") -> bool:
        """Whether it is half as large again.

        Example:
            >>> Effect("on_time", 30.0).grown_from(Effect("on_time", 20.0))
            True
        """
        return self.metric == before.metric and self.per_day >= GROWN * before.per_day > 0


def effect(incident: Incident) -> Effect:
    """The effect of an incident, a day."""
    size = abs(incident.delta)
    if incident.kind is Kind.CX:
        size *= incident.affected_orders / days(incident)
    return Effect(incident.metric, size)


def days(incident: Incident) -> int:
    """Local days that the window touches; windows of slices with hours end within their last day."""
    length = (incident.window.end - incident.window.start) / _DAY
    return int(length) + 1 if incident.slice.hour is not None else max(round(length), 1)
