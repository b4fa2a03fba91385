import pytest

from tools.incident_lifecycle import (
    MOVES,
    Actor,
    ClosedAs,
    IllegalMoveError,
    IncidentStatus,
    IncompleteMoveError,
    Move,
    Standing,
    moved,
)

NEW, INVESTIGATING, MONITORING, RESOLVED = IncidentStatus
CLOSED = Standing(RESOLVED, ClosedAs.RECOVERED)


def standing(status: IncidentStatus) -> Standing:
    return CLOSED if status is RESOLVED else Standing(status)


def move(to: IncidentStatus) -> Move:
    return Move(to, ClosedAs.RECOVERED if to is RESOLVED else None, reason="because")


@pytest.mark.parametrize("by", Actor)
@pytest.mark.parametrize("to", IncidentStatus)
@pytest.mark.parametrize("start", IncidentStatus)
def test_only_the_listed_moves_are_legal(start: IncidentStatus, to: IncidentStatus, by: Actor) -> None:
    if by in MOVES.get((start, to), frozenset()):
        assert moved("a", standing(start), move(to), by=by).status is to
    else:
        with pytest.raises(IllegalMoveError, match=f"{start.value} cannot become {to.value}; possible"):
            moved("a", standing(start), move(to), by=by)


def test_the_way_through() -> None:
    now = Standing()
    for step in (Move(INVESTIGATING), Move(MONITORING), Move(RESOLVED, ClosedAs.RECOVERED, reason="calm")):
        now = moved("a", now, step, by=Actor.PERSON)
    assert now == CLOSED
    assert not now.is_open


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Move(RESOLVED, reason="r"), "closed_as: say as what"),
        (Move(RESOLVED, ClosedAs.FALSE_ALARM), "reason: say why"),
        (Move(RESOLVED, ClosedAs.FALSE_ALARM, reason="  "), "reason: say why"),
        (Move(RESOLVED, ClosedAs.FIXED, reason="r"), "fixed is set by the product once the effect"),
        (Move(RESOLVED, ClosedAs.MERGED, reason="r"), "merged_into: the id"),
        (Move(RESOLVED, ClosedAs.RECOVERED, "b", reason="r"), "merged_into: the id"),
        (Move(RESOLVED, ClosedAs.MERGED, "a", reason="r"), "into itself"),
        (Move(INVESTIGATING, ClosedAs.RECOVERED), "belong to status resolved"),
        (Move(MONITORING, merged_into="b"), "belong to status resolved"),
    ],
)
def test_incomplete_moves_say_what_is_missing(asked: Move, message: str) -> None:
    with pytest.raises(IncompleteMoveError, match=message):
        moved("a", Standing(), asked, by=Actor.PERSON)


def test_reopening_needs_a_reason() -> None:
    with pytest.raises(IncompleteMoveError, match="reason"):
        moved("a", CLOSED, Move(INVESTIGATING), by=Actor.PERSON)
    again = moved("a", CLOSED, Move(INVESTIGATING, reason="not over"), by=Actor.PERSON)
    assert again == Standing(INVESTIGATING)


def test_the_system_judges_no_false_alarm() -> None:
    with pytest.raises(IncompleteMoveError, match="for people to judge"):
        moved("a", Standing(), Move(RESOLVED, ClosedAs.FALSE_ALARM, reason="r"), by=Actor.SYSTEM)
