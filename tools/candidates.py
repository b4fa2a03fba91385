"""Which actions could be taken on an incident, with which parameters and in which scope."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

import numpy as np

from data.dataset import Dataset, PolicyChange
from data.slices import HourRange, Slice
from tools.actions import Action
from tools.actions.base import Estimate, Parameter, RecordedChange
from tools.errors import ToolFailure
from tools.incidents import Incident
from tools.interventions import Intervention, history, lateness_of, orders_between, rows_in
from tools.promise import fallen_short_s
from tools.registry import ToolContext

BEFORE_ONSET: Final = timedelta(days=7)
"""A change recorded longer before the onset is not what began it."""
AFTER_ONSET: Final = timedelta(days=1)
"""The onset is known to the day."""


@dataclass(frozen=True)
class Candidate:
    """An action made concrete."""

    action: Action
    parameters: Mapping[str, Any]
    scope: Slice
    intervention: Intervention


def candidates(action: Action, incident: Incident, context: ToolContext) -> Iterator[Candidate]:
    """Every concrete form of a template on this incident; none where its precondition does not hold.

    Raises:
        ToolFailure: what a parameter is measured by lies below all that the template allows.
    """
    if action.estimate is None:
        return
    if action.recorded is not None:
        for change in recorded_changes(action.recorded, incident, context.dataset):
            yield _roll_back(action, incident, change)
        return
    measured = {p.name: _measured(p, incident, context) for p in action.parameters if p.measured}
    settings = [measured] if measured else action.settings()
    for chosen in settings:
        yield concrete(action, action.estimate, incident.slice, chosen)


def _measured(parameter: Parameter, incident: Incident, context: ToolContext) -> float:
    """A parameter's value as the incident's orders have it, to the second."""
    facts, where = context.dataset.facts(), rows_in(context.dataset.facts(), incident.slice)
    now = orders_between(facts, incident.window)
    rows = facts[where & (now | history(facts, incident.window, context.settings.baseline_days))]
    during = orders_between(rows, incident.window)
    short = fallen_short_s(lateness_of(rows).to_numpy(np.float64), rows["hour"].to_numpy(np.int64), during)
    if short < parameter.low:
        raise ToolFailure(
            f"promises fall short of arrivals by {short:+.0f} s more than before: at least {parameter.low:.0f} s "
            "would be worth correcting"
        )
    return min(round(short), parameter.high)


def concrete(action: Action, asked: Estimate, scope: Slice, chosen: Mapping[str, float]) -> Candidate:
    """A template with a value for each of its parameters."""
    amount = None if asked.amount is None else asked.sign * chosen[asked.amount]
    intervention = Intervention(driver=asked.driver, change=asked.change, amount=amount)
    return Candidate(action, dict(chosen), scope, intervention)


def recorded_changes(
    wanted: RecordedChange, incident: Incident, dataset: Dataset
) -> tuple[PolicyChange, ...]:
    """Changes about the onset, in force in the incident's slice, that fit the template; newest first."""
    first, last = incident.onset - BEFORE_ONSET, incident.onset + AFTER_ONSET
    found = [
        change
        for change in dataset.policy_changes()
        if first <= change.changed_at <= last
        and change.scope.overlaps(incident.slice)
        and _fits(change, wanted)
    ]
    return tuple(sorted(found, key=lambda c: (c.changed_at, c.change_id), reverse=True))


def _fits(change: PolicyChange, wanted: RecordedChange) -> bool:
    if change.old_value is None or change.new_value is None or change.old_value == change.new_value:
        return False
    if wanted.words and not any(word in change.policy.casefold() for word in wanted.words):
        return False
    return wanted.direction == "any" or _raised(change.old_value, change.new_value)


def _raised(old: str, new: str) -> bool:
    try:
        return float(new) > float(old)
    except ValueError:
        return False


def _roll_back(action: Action, incident: Incident, change: PolicyChange) -> Candidate:
    parameters = {
        "policy": change.policy,
        "from": change.new_value,
        "to": change.old_value,
        "change_id": change.change_id,
    }
    intervention = Intervention(driver="policy", change="set", policy=change.policy, level=change.old_value)
    return Candidate(action, parameters, narrowest(incident.slice, change.scope), intervention)


def narrowest(first: Slice, second: Slice) -> Slice:
    """Orders that belong to both slices, as far as one hour range can say it.

    Example:
        >>> sf = Slice.parse({"region": "SF", "hour": {"from": 17, "to": 20}})
        >>> str(narrowest(sf, Slice.parse({"category": "grocery", "hour": {"from": 18, "to": 21}})))
        'category=grocery, region=SF, 18-20h'
    """
    values = tuple(sorted((dict(second.values) | dict(first.values)).items()))
    if first.hour is None or second.hour is None:
        return Slice(values=values, hour=first.hour or second.hour)
    both = [hour for hour in first.hour.hours if hour in second.hour.hours]
    whole = all((b - a) % 24 == 1 for a, b in pairwise(both))
    hour = HourRange(start=both[0], end=both[-1] + 1) if both and whole else first.hour
    return Slice(values=values, hour=hour)
