import pytest

from evals.bench.early import EarlyCase, run_case, summarise
from evals.seeds import derive
from server.early_bench import misses


def _case(found: int | None, *, exact: bool = True, off: float | None = 0.0, others: int = 0) -> EarlyCase:
    return EarlyCase(
        seed=1, powerful_hour=1, found_hour=found, slice_exact=exact, onset_off_h=off, others=others
    )


def test_a_fault_that_is_never_found_counts_as_endless() -> None:
    assert summarise("x", [_case(3), _case(None), _case(None)]).median_wait_hours is None
    assert summarise("x", [_case(3), _case(2), _case(None)]).median_wait_hours == 2


def test_misses_name_every_limit() -> None:
    good = summarise("x", [_case(3)] * 20)
    assert misses(good) == []
    bad = summarise("x", [_case(5, exact=False, off=24.0, others=1)] * 20)
    assert len(misses(bad)) == 4


@pytest.mark.slow
def test_one_world_is_found_exactly() -> None:
    case = run_case(derive("test-early", "x", 0))
    assert case.powerful_hour == 1
    assert case.found_hour is not None
    assert case.slice_exact
    assert case.onset_off_h == pytest.approx(0.0)
