from datetime import timedelta

import pytest

from tests.tools.incidents import DEMO, detection, make
from tools.incident_effect import effect
from tools.incident_lifecycle import ClosedAs, IncidentStatus, Standing
from tools.incident_tracking import Change, Tracked, changes
from tools.incidents import DetectionReport, Incident, Kind, Severity

SF = {"region": "SF"}


class Book:
    """Keeps what the changes say, as the service does."""

    def __init__(self) -> None:
        self.known: dict[str, Tracked] = {}

    def hear(self, report: DetectionReport) -> list[tuple[str, str]]:
        made = changes(tuple(self.known.values()), report)
        self.known |= {change.after.incident.id: change.after for change in made}
        return [told(change) for change in made]

    def close(self, id: str, as_: ClosedAs, *, days: int) -> None:
        as_of = detection(days=days).as_of
        past = self.known[id]
        standing = Standing(IncidentStatus.RESOLVED, as_)
        self.known[id] = Tracked(past.incident, standing, past.effect, as_of)


def told(change: Change) -> tuple[str, str]:
    standing = change.after.standing
    end = f" {standing.closed_as.value}" if change.kind == "closed" and standing.closed_as else ""
    return change.after.incident.id, change.kind + end


def test_it_opens_goes_on_and_recovers() -> None:
    book = Book()
    assert book.hear(detection(make(last=11), days=11)) == [("a", "opened")]
    assert book.hear(detection(make(last=12), days=12)) == [("a", "seen")]
    assert book.hear(detection(make(last=12), days=13)) == [("a", "seen")]
    assert book.hear(detection(make(last=12), days=14)) == [("a", "seen"), ("a", "closed recovered")]
    assert book.hear(detection(make(last=12), days=15)) == []


def test_an_incident_that_is_found_no_more_recovers_too() -> None:
    book = Book()
    book.hear(detection(make(last=11), days=11))
    assert book.hear(detection(days=12)) == []
    assert book.hear(detection(days=13)) == [("a", "closed recovered")]


def test_an_old_one_is_told_and_closed_at_once() -> None:
    assert Book().hear(detection(make(), days=30)) == [("a", "opened"), ("a", "closed recovered")]


def test_a_data_incident_closes_as_data_fault() -> None:
    fault = make(slice=SF, kind=Kind.DATA_QUALITY, metric="order_volume", baseline=900, current=0, delta=-900)
    book = Book()
    book.hear(detection(fault, days=13))
    assert book.hear(detection(fault, days=15))[-1] == ("a", "closed data_fault")


def test_a_cx_incident_whose_records_turn_out_faulty_closes_as_data_fault() -> None:
    book = Book()
    book.hear(detection(make(), days=13))
    fault = make("f", slice=SF, kind=Kind.DATA_QUALITY, metric="order_volume", first=9)
    assert book.hear(detection(fault, days=13)) == [("f", "opened"), ("a", "closed data_fault")]


def test_a_part_that_is_found_no_more_is_merged_into_the_whole() -> None:
    book = Book()
    book.hear(detection(make("a"), make("b", slice=SF | {"category": "pharmacy"}), days=13))
    whole = make("a", slice=SF, last=14)
    assert book.hear(detection(whole, days=14))[-1] == ("b", "closed merged")
    assert book.known["b"].standing == Standing(IncidentStatus.RESOLVED, ClosedAs.MERGED, "a")


@pytest.mark.parametrize(("inner", "merged"), [(Severity.MEDIUM, True), (Severity.HIGH, False)])
def test_a_part_that_is_still_found_is_merged_unless_it_is_worse(inner: Severity, merged: bool) -> None:
    book = Book()
    heard = book.hear(detection(make("a", slice=SF), make("b", severity=inner), days=13))
    assert (("b", "closed merged") in heard) is merged
    again = book.hear(detection(make("a", slice=SF, last=14), make("b", severity=inner, last=14), days=14))
    assert again == [("a", "seen")] if merged else [("a", "seen"), ("b", "seen")]


def test_a_part_outlives_the_whole() -> None:
    book = Book()
    book.hear(detection(make("a", slice=SF), make("b"), days=13))
    heard = book.hear(detection(make("a", slice=SF), make("b", last=15), days=15))
    assert heard == [("a", "seen"), ("a", "closed recovered")]
    assert book.hear(detection(make("b", last=16), days=16)) == [("b", "reopened")]


def test_what_returns_within_the_cool_down_is_the_same_incident() -> None:
    book = Book()
    book.hear(detection(make(), days=15))
    assert not book.known["a"].standing.is_open
    back = make("x", first=15, last=16)
    assert book.hear(detection(make(), back, days=16)) == [("a", "reopened")]
    assert book.known["a"].standing == Standing()
    assert book.known["a"].incident.onset == make().onset
    assert book.hear(detection(make(), make("x", first=15, last=17), days=17)) == [("a", "seen")]


def test_what_returns_later_is_another_incident() -> None:
    book = Book()
    book.hear(detection(make(), days=15))
    assert book.hear(detection(make(), make("x", first=17, last=18), days=18)) == [("x", "opened")]


def test_a_false_alarm_stays_closed_unless_it_grows() -> None:
    book = Book()
    book.hear(detection(make(), days=13))
    book.close("a", ClosedAs.FALSE_ALARM, days=13)
    assert book.hear(detection(make("x", first=11, last=14), days=14)) == []
    worse = make("x", first=11, last=15, delta=-0.3, affected_orders=400)
    assert book.hear(detection(worse, days=15)) == [("a", "reopened")]


def test_what_a_person_called_over_and_goes_on_is_reopened() -> None:
    book = Book()
    book.hear(detection(make(), days=13))
    book.close("a", ClosedAs.RECOVERED, days=13)
    assert book.hear(detection(make(), days=13)) == []
    assert book.hear(detection(make(last=14), days=14)) == [("a", "reopened")]


def test_growth_by_half_is_an_escalation_measured_from_the_last_one() -> None:
    book = Book()
    book.hear(detection(make(), days=13))
    assert book.hear(detection(make(last=14, delta=-0.20), days=14)) == [("a", "seen")]
    assert book.hear(detection(make(last=15, delta=-0.22), days=15)) == [("a", "escalated")]
    assert book.hear(detection(make(last=16, delta=-0.30), days=16)) == [("a", "seen")]
    assert book.known["a"].effect.per_day == pytest.approx(22.0)


def test_severity_rises_and_never_falls_while_open() -> None:
    book = Book()
    book.hear(detection(make(), days=13))
    assert book.hear(detection(make(last=14, severity=Severity.HIGH), days=14)) == [("a", "escalated")]
    assert book.hear(detection(make(last=15, severity=Severity.LOW), days=15)) == [("a", "seen")]
    assert book.known["a"].incident.severity is Severity.HIGH


def test_effects_of_different_metrics_are_not_compared() -> None:
    book = Book()
    book.hear(detection(make(), days=13))
    other = make(last=14, metric="rating", delta=-0.5)
    assert book.hear(detection(other, days=14)) == [("a", "seen")]
    assert book.known["a"].effect == effect(other)


def test_days_of_an_effect_count_evenings() -> None:
    per_day = [effect(make(last=last)).per_day for last in (11, 12, 13)]
    assert per_day == pytest.approx([14.0, 14.0, 14.0])
    whole = make(slice=SF)
    longer = whole.window.model_copy(update={"end": whole.window.end + timedelta(hours=3)})
    assert effect(whole.model_copy(update={"window": longer})).per_day == pytest.approx(14.0)


def test_changes_are_the_same_in_any_order_of_the_known() -> None:
    def known(*incidents: Incident) -> tuple[Tracked, ...]:
        return tuple(Tracked(one, Standing(), effect(one)) for one in incidents)

    one, two, three = make("a", slice=SF), make("b", slice=DEMO), make("c", slice={})
    report = detection(make("c", slice={}, last=14), days=14)
    assert changes(known(one, two, three), report) == changes(known(three, two, one), report)
