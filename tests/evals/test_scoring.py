from hypothesis import given
from hypothesis import strategies as st

from evals.cases import WorldCase, world_cases
from evals.intervals import wilson
from evals.scoring import CaseResult, jaccard, summarise
from evals.seeds import derive

FAULT, NULL = world_cases("label", faults=1, nulls=1)


def _result(case: WorldCase, **changes: object) -> CaseResult:
    right = {
        "case": case,
        "incidents": 1,
        "detected": True,
        "delay_days": 1,
        "slice_jaccard": 1.0,
        "slice_exact": True,
        "top_cause": case.cause,
        "p_true": 0.9,
        "p_top": 0.9,
        "verdict": "confirmed",
        "cause_right": True,
        "seconds": 2.0,
    }
    return CaseResult.model_validate(right | changes)


def test_wilson_matches_published_value() -> None:
    # Wilson's interval of 36 in 40, as any table of it prints.
    share = wilson(36, 40)
    assert (round(share.low, 4), round(share.high, 4)) == (0.7695, 0.9604)


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_contains_the_share(hits: int, misses: int) -> None:
    share = wilson(hits, hits + misses)
    assert 0 <= share.low <= share.high <= 1
    if share.total:
        assert share.low - 1e-12 <= hits / share.total <= share.high + 1e-12


def test_seeds_differ_between_spaces_and_fit_63_bits() -> None:
    seeds = {derive(space, "x", i) for space in ("cx-eval", "cx-calibrate") for i in range(500)}
    assert len(seeds) == 1000
    assert max(seeds) < 2**63


def test_world_cases_take_scenarios_in_turn() -> None:
    cases = world_cases("x", faults=4, nulls=2)
    assert [c.scenario for c in cases] == [
        "batching",
        "courier_supply",
        "merchant_prep",
        "batching",
        "none",
        "none",
    ]
    assert len({c.seed for c in cases}) == 6


def test_jaccard_of_nothing_is_zero() -> None:
    assert jaccard([], []) == 0


def test_summarise_counts_a_missed_fault_as_wrong() -> None:
    missed = _result(
        FAULT, incidents=0, detected=False, delay_days=None, slice_jaccard=None, slice_exact=None
    )
    card = summarise("x", [_result(FAULT), missed.model_copy(update={"cause_right": False})])
    assert card.detected.hits == 1
    assert card.cause_right == wilson(1, 2)
    assert card.slice_exact.total == 1


def test_summarise_null_with_incident_is_a_false_alarm_and_a_named_cause_confidently_wrong() -> None:
    quiet = _result(
        NULL, incidents=0, top_cause="none", p_true=None, detected=False, verdict="no_degradation"
    )
    alarm = _result(NULL, top_cause="inventory", p_true=None, cause_right=False)
    card = summarise("x", [quiet, alarm])
    assert card.false_alarms == wilson(1, 2)
    assert card.confidently_wrong == wilson(1, 2)


def test_summarise_of_nothing_has_no_figures() -> None:
    card = summarise("x", [])
    assert card.median_delay_days is None
    assert card.brier is None
