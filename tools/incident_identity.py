"""Which incident of an earlier run a found one is: the same trouble keeps its id while it lasts.

Onset, slice and main metric are estimates and move a little from day to day. A found incident goes on under a past
id when both are of one kind, their windows touch, and their slices are kin:

1. the same slice, or the same values with overlapping hours;
2. one slice contains the other, whichever grew;
3. the slices overlap and share a value, and the main metrics ripen alike (one metric family).

Every past id is given once, to its closest kin.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from tools.incidents import Incident
from tools.metrics import METRICS

NO_GAP: Final = timedelta(0)


def kinship(one: Incident, other: Incident) -> int | None:
    """How close two incidents' slices are: 0 the same, 1 the same but for hours, 2 contained, 3 overlapping.

    None where they are different troubles whatever their windows.
    """
    if one.kind is not other.kind or not one.slice.overlaps(other.slice):
        return None
    if one.slice == other.slice:
        return 0
    if one.slice.values == other.slice.values:
        return 1
    if one.slice.contains(other.slice) or other.slice.contains(one.slice):
        return 2
    shared = set(one.slice.values) & set(other.slice.values)
    return 3 if shared and family(one.metric) == family(other.metric) else None


def family(metric: str) -> str:
    """Metrics of one family ripen together and are worse together.

    Example:
        >>> family("on_time") == family("cancellation"), family("on_time") == family("rating")
        (True, False)
    """
    return METRICS[metric].maturity if metric in METRICS else metric


def touch(one: Incident, other: Incident, *, gap: timedelta = NO_GAP) -> bool:
    """Whether no more than a gap lies between two windows."""
    return one.window.start <= other.window.end + gap and other.window.start <= one.window.end + gap


def continued(found: Sequence[Incident], history: Sequence[Incident]) -> tuple[Incident, ...]:
    """The found incidents, in their order, under the ids that they had in earlier runs, where they go on."""
    given: dict[int, str] = {}
    used: set[str] = set()
    for _, position, id_ in sorted(_pairs(found, history)):
        if position not in given and id_ not in used:
            given[position] = id_
            used.add(id_)
    named = []
    for position, incident in enumerate(found):
        id_ = given.get(position) or _free(incident.id, used)
        used.add(id_)
        named.append(incident if id_ == incident.id else incident.model_copy(update={"id": id_}))
    return tuple(named)


_Closeness = tuple[int, float, float]


def _pairs(found: Sequence[Incident], history: Sequence[Incident]) -> list[tuple[_Closeness, int, str]]:
    pairs = []
    for position, incident in enumerate(found):
        for past in history:
            kin = kinship(incident, past)
            if kin is not None and touch(incident, past):
                # Of two parts of one trouble, the one that lasts as long as the trouble is its live end.
                ends = abs((incident.window.end - past.window.end).total_seconds())
                onsets = abs((incident.onset - past.onset).total_seconds())
                pairs.append(((kin, ends, onsets), position, past.id))
    return pairs


def _free(id_: str, used: Collection[str]) -> str:
    """An id that no other incident of the run has; the same every time."""
    number = 1
    chosen = id_
    while chosen in used:
        number += 1
        chosen = f"inc-{hashlib.sha256(f'{id_}|{number}'.encode()).hexdigest()[:12]}"
    return chosen
