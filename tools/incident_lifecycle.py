"""Where an incident stands, and which moves are legal: by whom, and with what reason.

    new -> investigating -> monitoring -> resolved

An incident is resolved *as* something: `fixed`, `recovered`, `false_alarm`, `data_fault` or `merged`. Once it is, people
may state the cause that they found. Nothing here knows a clock or a database; who moves and why are arguments.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from tools.cause_found import CauseFound


class IncidentStatus(StrEnum):
    """Where an incident stands."""

    NEW = "new"
    INVESTIGATING = "investigating"
    MONITORING = "monitoring"
    RESOLVED = "resolved"


class ClosedAs(StrEnum):
    """What a resolved incident turned out to be."""

    FIXED = "fixed"
    """An action ended it, and its effect was measured."""
    RECOVERED = "recovered"
    """It went away."""
    FALSE_ALARM = "false_alarm"
    """Nothing was wrong."""
    DATA_FAULT = "data_fault"
    """The records were wrong, not the service."""
    MERGED = "merged"
    """It was a part of another incident."""


class Actor(StrEnum):
    """Who moves an incident."""

    PERSON = "person"
    SYSTEM = "system"
    """Detection, or a run that begins."""
    EXPERIMENT = "experiment"
    """A measured experiment, once `tools.resolution` calls the incident fixed."""


class Standing(NamedTuple):
    """Where an incident stands, as what it was closed, and the cause that people found."""

    status: IncidentStatus = IncidentStatus.NEW
    closed_as: ClosedAs | None = None
    merged_into: str | None = None
    cause: CauseFound | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to care."""
        return self.status is not IncidentStatus.RESOLVED


class Move(NamedTuple):
    """What somebody asks for."""

    to: IncidentStatus
    closed_as: ClosedAs | None = None
    merged_into: str | None = None
    reason: str = ""
    cause: CauseFound | None = None


class MoveError(ValueError):
    """A move that is refused; the message says why and what is possible instead."""


class IllegalMoveError(MoveError):
    """From where the incident stands, this move does not exist."""


class IncompleteMoveError(MoveError):
    """The move lacks something, contradicts itself, or may not be made by this actor."""


_ANYBODY: Final = frozenset({Actor.PERSON, Actor.SYSTEM})
_PEOPLE: Final = frozenset({Actor.PERSON})
_SYSTEM: Final = frozenset({Actor.SYSTEM})
_EXPERIMENT: Final = frozenset({Actor.EXPERIMENT})
_ALL: Final = frozenset(Actor)
_NEW, _INVESTIGATING, _MONITORING, _RESOLVED = IncidentStatus

MOVES: Final[Mapping[tuple[IncidentStatus, IncidentStatus], frozenset[Actor]]] = {
    (_NEW, _INVESTIGATING): _ANYBODY,
    (_NEW, _MONITORING): _PEOPLE,
    (_NEW, _RESOLVED): _ALL,
    (_INVESTIGATING, _MONITORING): _PEOPLE,
    (_INVESTIGATING, _RESOLVED): _ALL,
    (_MONITORING, _INVESTIGATING): _PEOPLE,
    (_MONITORING, _RESOLVED): _ALL,
    (_RESOLVED, _INVESTIGATING): _PEOPLE,
    (_RESOLVED, _NEW): _SYSTEM,
    (_RESOLVED, _RESOLVED): _EXPERIMENT,
}
"""(from, to): who may make the move. The system reopens as new, because nobody has looked at the return yet. An
experiment may say of an incident that went away by what it was ended."""

CLOSERS: Final[Mapping[ClosedAs, frozenset[Actor]]] = {
    ClosedAs.FIXED: _EXPERIMENT,
    ClosedAs.RECOVERED: _ANYBODY,
    ClosedAs.FALSE_ALARM: _PEOPLE,
    ClosedAs.DATA_FAULT: _ANYBODY,
    ClosedAs.MERGED: _ANYBODY,
}
"""Who may close as what. `fixed` needs a measured effect, which nobody can claim by hand."""

IMPLIED: Final[Mapping[ClosedAs, CauseFound]] = {
    ClosedAs.FALSE_ALARM: CauseFound.NONE,
    ClosedAs.DATA_FAULT: CauseFound.DATA_QUALITY,
}
"""What a person says of the cause by closing as this; nothing else may be stated beside it."""


def moved(id: str, standing: Standing, move: Move, *, by: Actor) -> Standing:
    """Where the incident stands after a move.

    Args:
        id: the incident, so that it is not merged into itself.
        standing: where it stands.
        move: what is asked for.
        by: who asks.

    Raises:
        IllegalMoveError: there is no such move from here.
        IncompleteMoveError: a reason or a target is missing, superfluous, or not this actor's to give.

    Example:
        >>> move = Move(IncidentStatus.RESOLVED, ClosedAs.FALSE_ALARM, reason="a test order flood")
        >>> moved("I1", Standing(), move, by=Actor.PERSON).closed_as.value
        'false_alarm'
    """
    _check_step(standing, move, by)
    _check_closing(id, move, by)
    needs_reason = move.to is _RESOLVED or standing.status is _RESOLVED
    if needs_reason and not move.reason.strip():
        raise IncompleteMoveError(f"reason: say why, when an incident becomes {move.to.value} from here")
    _check_cause(move.closed_as, move.cause)
    implied = IMPLIED.get(move.closed_as) if move.closed_as is not None and by is Actor.PERSON else None
    return Standing(move.to, move.closed_as, move.merged_into, move.cause or implied)


def explained(id: str, standing: Standing, cause: CauseFound) -> Standing:
    """Where a resolved incident stands once people have stated its cause; a later statement replaces an earlier one.

    Raises:
        IllegalMoveError: the incident is not resolved.
        IncompleteMoveError: the cause contradicts what the incident was closed as.

    Example:
        >>> closed = Standing(IncidentStatus.RESOLVED, ClosedAs.RECOVERED)
        >>> explained("I1", closed, CauseFound.COURIER_SUPPLY).cause.value
        'courier_supply'
    """
    if standing.is_open:
        raise IllegalMoveError(
            f"cause: {id} is {standing.status.value}; resolve it first, the cause may be stated with it"
        )
    _check_cause(standing.closed_as, cause)
    return standing._replace(cause=cause)


def _check_step(standing: Standing, move: Move, by: Actor) -> None:
    allowed = MOVES.get((standing.status, move.to))
    if allowed is not None and by in allowed:
        _check_judged(standing, by)
        return
    possible = ", ".join(
        to.value for (start, to), who in MOVES.items() if start is standing.status and by in who
    )
    raise IllegalMoveError(
        f"status: an incident that is {standing.status.value} cannot become {move.to.value}; "
        f"possible from there: {possible}"
    )


def _check_judged(standing: Standing, by: Actor) -> None:
    """Of what went away an experiment may say by what it was ended; any other judgement stands."""
    if by is Actor.EXPERIMENT and standing.closed_as not in (None, ClosedAs.RECOVERED):
        raise IllegalMoveError(
            f"status: the incident was closed as {standing.closed_as.value}; open it again before it can be fixed"
        )


def _check_closing(id: str, move: Move, by: Actor) -> None:
    if move.to is not _RESOLVED:
        if (move.closed_as, move.merged_into, move.cause) != (None, None, None):
            raise IncompleteMoveError("closed_as, merged_into and cause belong to status resolved only")
        return
    if move.closed_as is None:
        raise IncompleteMoveError(f"closed_as: say as what it is resolved: {_names(by)}")
    if move.closed_as is ClosedAs.FIXED and by is not Actor.EXPERIMENT:
        raise IncompleteMoveError(
            "closed_as: fixed is set by the product once the effect of an action was measured; "
            f"until then: {_names(by)}"
        )
    if by not in CLOSERS[move.closed_as]:
        raise IncompleteMoveError(f"closed_as: {move.closed_as.value} is for people to judge")
    if (move.closed_as is ClosedAs.MERGED) != (move.merged_into is not None):
        raise IncompleteMoveError(
            "merged_into: the id of another incident, with closed_as merged and only with it"
        )
    if move.merged_into == id:
        raise IncompleteMoveError(f"merged_into: {id} cannot be merged into itself")


def _check_cause(closed_as: ClosedAs | None, cause: CauseFound | None) -> None:
    if closed_as is None or cause is None:
        return
    if closed_as is ClosedAs.MERGED:
        raise IncompleteMoveError("cause: state it of the incident that this one was merged into")
    implied = IMPLIED.get(closed_as, cause)
    if cause is not implied:
        raise IncompleteMoveError(
            f"cause: {cause.value} contradicts closed_as {closed_as.value}, which means {implied.value}"
        )


def _names(by: Actor) -> str:
    return ", ".join(name.value for name, who in CLOSERS.items() if by in who)
