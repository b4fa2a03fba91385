"""When two episodes are one trouble."""

from data.slices import Slice
from tools.search import Episode, merged


def episode(first: int, last: int, *, slice_: Slice | None = None, **effects: float) -> Episode:
    return Episode(slice_ or Slice(), first, last, tuple(effects), 1e-9, 1e-12, 1.5, effects)


def test_a_late_part_of_a_trouble_lets_it_grow() -> None:
    found = merged([episode(10, 12, on_time=0.10)], [episode(12, 16, on_time=0.08)])

    assert [(one.first, one.last) for one in found] == [(10, 16)]


def test_a_storm_in_a_bad_month_is_a_trouble_of_its_own() -> None:
    storm = episode(38, 40, cancellation=0.52)
    month = episode(15, 42, cancellation=0.02, on_time=0.08)

    for first, second in ((storm, month), (month, storm)):
        found = merged([first], [second])
        assert {(one.first, one.last) for one in found} == {(38, 40), (15, 42)}


def test_a_longer_time_as_bad_as_its_peak_is_one_trouble() -> None:
    found = merged([episode(20, 22, on_time=0.20)], [episode(18, 30, on_time=0.12)])

    assert [(one.first, one.last) for one in found] == [(18, 30)]


def test_the_same_place_much_later_is_another_trouble() -> None:
    assert len(merged([episode(3, 5, on_time=0.1)], [episode(20, 22, on_time=0.1)])) == 2


def test_overlapping_slices_at_the_same_time_are_one_trouble() -> None:
    wide, narrow = Slice.parse({"region": "SF"}), Slice.parse({"region": "SF", "category": "grocery"})
    found = merged([episode(3, 6, slice_=wide, on_time=0.1)], [episode(4, 6, slice_=narrow, on_time=0.3)])

    assert [one.slice for one in found] == [wide]
