import pytest

from tools.cause_found import CauseFound
from tools.incident_lifecycle import (
    MOVES,
    Actor,
    ClosedAs,
    IllegalMoveError,
    IncidentStatus,
    IncompleteMoveError,
    Move,
    Standing,
    explained,
    moved,
)

NEW, INVESTIGATING, MONITORING, RESOLVED = IncidentStatus
CLOSED = Standing(RESOLVED, ClosedAs.RECOVERED)


def standing(status: IncidentStatus) -> Standing:
    return CLOSED if status is RESOLVED else Standing(status)


def move(to: IncidentStatus, by: Actor) -> Move:
    closed_as = ClosedAs.FIXED if by is Actor.EXPERIMENT else ClosedAs.RECOVERED
    return Move(to, closed_as if to is RESOLVED else None, reason="because")


@pytest.mark.parametrize("by", Actor)
@pytest.mark.parametrize("to", IncidentStatus)
@pytest.mark.parametrize("start", IncidentStatus)
def test_only_the_listed_moves_are_legal(start: IncidentStatus, to: IncidentStatus, by: Actor) -> None:
    if by in MOVES.get((start, to), frozenset()):
        assert moved("a", standing(start), move(to, by), by=by).status is to
    else:
        with pytest.raises(IllegalMoveError, match=f"{start.value} cannot become {to.value}; possible"):
            moved("a", standing(start), move(to, by), by=by)


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
        (Move(MONITORING, cause=CauseFound.NONE), "belong to status resolved"),
        (
            Move(RESOLVED, ClosedAs.FALSE_ALARM, reason="r", cause=CauseFound.COURIER_SUPPLY),
            "courier_supply contradicts closed_as false_alarm, which means none",
        ),
        (
            Move(RESOLVED, ClosedAs.DATA_FAULT, reason="r", cause=CauseFound.NONE),
            "none contradicts closed_as data_fault, which means data_quality",
        ),
        (
            Move(RESOLVED, ClosedAs.MERGED, "b", reason="r", cause=CauseFound.NONE),
            "of the incident that this one was merged into",
        ),
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


def test_what_went_away_may_turn_out_to_be_fixed_and_no_other_judgement_may() -> None:
    asked = Move(RESOLVED, ClosedAs.FIXED, reason="measured")
    assert moved("a", CLOSED, asked, by=Actor.EXPERIMENT).closed_as is ClosedAs.FIXED
    for judged in (ClosedAs.FALSE_ALARM, ClosedAs.DATA_FAULT, ClosedAs.MERGED, ClosedAs.FIXED):
        with pytest.raises(IllegalMoveError, match=f"closed as {judged.value}"):
            moved("a", Standing(RESOLVED, judged), asked, by=Actor.EXPERIMENT)


@pytest.mark.parametrize("closed_as", [ClosedAs.RECOVERED, ClosedAs.FALSE_ALARM])
def test_an_experiment_closes_as_fixed_only(closed_as: ClosedAs) -> None:
    with pytest.raises(IncompleteMoveError, match="closed_as"):
        moved("a", Standing(), Move(RESOLVED, closed_as, reason="r"), by=Actor.EXPERIMENT)


def test_the_system_judges_no_false_alarm() -> None:
    with pytest.raises(IncompleteMoveError, match="for people to judge"):
        moved("a", Standing(), Move(RESOLVED, ClosedAs.FALSE_ALARM, reason="r"), by=Actor.SYSTEM)


@pytest.mark.parametrize("cause", CauseFound)
def test_a_cause_is_stated_with_the_close_or_after_it(cause: CauseFound) -> None:
    closed = Move(RESOLVED, ClosedAs.RECOVERED, reason="calm", cause=cause)
    assert moved("a", Standing(), closed, by=Actor.PERSON).cause is cause
    assert explained("a", CLOSED, cause) == CLOSED._replace(cause=cause)


@pytest.mark.parametrize(
    ("closed_as", "by", "cause"),
    [
        (ClosedAs.FALSE_ALARM, Actor.PERSON, CauseFound.NONE),
        (ClosedAs.DATA_FAULT, Actor.PERSON, CauseFound.DATA_QUALITY),
        (ClosedAs.DATA_FAULT, Actor.SYSTEM, None),
        (ClosedAs.RECOVERED, Actor.PERSON, None),
    ],
)
def test_what_a_person_closes_as_may_say_the_cause(
    closed_as: ClosedAs, by: Actor, cause: CauseFound | None
) -> None:
    """What detection closes is no statement of anybody."""
    assert moved("a", Standing(), Move(RESOLVED, closed_as, reason="r"), by=by).cause is cause


def test_a_later_statement_replaces_an_earlier_one() -> None:
    first = explained("a", CLOSED, CauseFound.OTHER)
    assert explained("a", first, CauseFound.NONE).cause is CauseFound.NONE


@pytest.mark.parametrize("status", [NEW, INVESTIGATING, MONITORING])
def test_an_open_incident_has_no_cause_yet(status: IncidentStatus) -> None:
    with pytest.raises(IllegalMoveError, match=f"a is {status.value}; resolve it first"):
        explained("a", Standing(status), CauseFound.OTHER)


@pytest.mark.parametrize(
    ("standing", "cause"),
    [
        (Standing(RESOLVED, ClosedAs.FALSE_ALARM), CauseFound.OTHER),
        (Standing(RESOLVED, ClosedAs.MERGED, "b"), CauseFound.OTHER),
    ],
)
def test_a_stated_cause_must_fit_the_close(standing: Standing, cause: CauseFound) -> None:
    with pytest.raises(IncompleteMoveError, match="cause:"):
        explained("a", standing, cause)


def test_what_is_opened_again_loses_its_cause() -> None:
    known = explained("a", CLOSED, CauseFound.OTHER)
    again = moved("a", known, Move(INVESTIGATING, reason="not over"), by=Actor.PERSON)
    assert again == Standing(INVESTIGATING)
