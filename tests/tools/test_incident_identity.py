from datetime import timedelta

import pytest

from tests.tools.incidents import DEMO, detection, make
from tools.incident_identity import continued
from tools.incident_quiet import is_quiet
from tools.incidents import Incident, Kind


def ids(*found: Incident, history: tuple[Incident, ...]) -> list[str]:
    return [incident.id for incident in continued(found, history)]


def test_it_keeps_its_id_from_day_to_day() -> None:
    past = make("a", first=10, last=11)
    for last in range(12, 20):
        fresh = make(f"x{last}", first=10, last=last)
        (past,) = continued([fresh], [past])
        assert past.id == "a"


@pytest.mark.parametrize(
    "grown",
    [
        DEMO | {"hour": {"from": 17, "to": 21}},
        DEMO | {"hour": {"from": 19, "to": 21}},
        {"region": "SF", "hour": {"from": 18, "to": 20}},
        {"category": "grocery", "region": "SF"},
        {},
    ],
)
def test_it_keeps_its_id_when_its_slice_moves(grown: dict[str, object]) -> None:
    small, large = make("a"), make("x", slice=grown, last=14)
    assert ids(large, history=(small,)) == ["a"]
    assert ids(small, history=(large,)) == ["x"]


@pytest.mark.parametrize("shift", [-2, -1, 1, 2])
def test_it_keeps_its_id_when_its_onset_moves(shift: int) -> None:
    assert ids(make("x", first=10 + shift), history=(make("a"),)) == ["a"]


def test_it_keeps_its_id_when_its_main_metric_changes() -> None:
    past = make("a", metric="on_time")
    assert ids(make("x", metric="cancellation", delta=0.05), history=(past,)) == ["a"]
    assert ids(make("x", metric="refund", delta=0.05), history=(past,)) == ["a"]


def test_slices_that_only_overlap_need_a_value_and_the_metric_family_in_common() -> None:
    past = make("a", slice={"region": "SF", "hour": {"from": 18, "to": 20}})
    beside = {"region": "SF", "category": "grocery"}
    assert ids(make("x", slice=beside), history=(past,)) == ["a"]
    assert ids(make("x", slice=beside, metric="rating"), history=(past,)) == ["x"]
    assert ids(make("x", slice={"category": "grocery"}), history=(past,)) == ["x"]


@pytest.mark.parametrize(
    "other",
    [
        make("x", slice=DEMO | {"region": "NYC"}),
        make("x", first=15, last=16),
        make("x", kind=Kind.DATA_QUALITY, metric="order_volume"),
    ],
)
def test_another_place_time_or_kind_is_another_incident(other: Incident) -> None:
    assert ids(other, history=(make("a"),)) == ["x"]


def test_an_id_is_given_once_to_the_closest() -> None:
    past = make("a", slice={"region": "SF"})
    found = (make("x", slice=DEMO), make("y", slice={"region": "SF"}, last=14))
    assert ids(*found, history=(past,)) == ["x", "a"]
    assert ids(*reversed(found), history=(past,)) == ["a", "x"]


def test_ids_stay_unique_when_a_part_falls_back_to_a_given_one() -> None:
    whole = make("a", first=5, last=13)
    found = (make("a", first=5, last=7), make("x", first=11, last=14))
    named = ids(*found, history=(whole,))
    assert named[1] == "a"
    assert named[0] != "a"
    assert named == ids(*found, history=(whole,))


def test_quiet_needs_two_closed_days() -> None:
    for incident in (make(), make(slice={}), make(slice={"hour": {"from": 0, "to": 2}})):
        quiet = [is_quiet(incident, detection(days=days)) for days in (13, 14, 15, 16)]
        assert quiet == [False, False, True, True]


def test_quiet_knows_days_of_other_zones() -> None:
    """The window of a day in Los Angeles ends at 08:00 UTC, in Tokyo at 15:00 UTC of the day before."""
    for hours in (8, -9):
        incident = make(slice={"region": "SF"})
        moved = incident.window.model_copy(update={"end": incident.window.end + timedelta(hours=hours)})
        local = incident.model_copy(update={"window": moved})
        assert [is_quiet(local, detection(days=days)) for days in (14, 15)] == [False, True]


def test_days_without_values_are_not_quiet() -> None:
    report = detection(days=15)
    (series,) = report.series
    blind = (*series.points[:-1], series.points[-1].model_copy(update={"value": None}))
    report = report.model_copy(update={"series": (series.model_copy(update={"points": blind}),)})
    assert not is_quiet(make(), report)
