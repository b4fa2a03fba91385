"""The tool on simulated worlds whose fault is known."""

import pytest

from tests.tools.worlds import Case, case
from tools.errors import ToolFailure
from tools.mechanism_shapley import MechanismShapleyResult
from tools.registry import REGISTRY, ToolContext


def shapley(found: Case, metric: str = "on_time", **more: object) -> MechanismShapleyResult:
    window = found.incident.window
    place = {"slice": found.incident.slice, "start": window.start, "end": window.end}
    arguments = {**place, "metric": metric, **more}
    result = REGISTRY["mechanism_shapley"].call(ToolContext(found.dataset), arguments)
    assert isinstance(result, MechanismShapleyResult)
    return result


@pytest.mark.parametrize(
    ("scenario", "module"),
    [("batching", "policy"), ("courier_supply", "supply"), ("merchant_prep", "merchant")],
)
def test_the_module_at_fault_comes_first(scenario: str, module: str) -> None:
    result = shapley(case(scenario))
    assert result.fits
    assert result.top_module == module
    assert result.parts[0].clear
    assert result.top_pp > 0
    assert sum(part.change_pp for part in result.parts) == pytest.approx(result.explained_change_pp, abs=1e-9)


def test_preparation_is_not_blamed_for_batching() -> None:
    result = shapley(case("batching"))
    (merchant,) = (part for part in result.parts if part.module == "merchant")
    assert abs(merchant.change_pp) <= 0.10 * sum(abs(part.change_pp) for part in result.parts)


def test_demand_of_a_level_that_the_incident_never_had_takes_no_blame() -> None:
    """Three evening hours of five days: some levels of demand of the weeks before do not come up in them."""
    result = shapley(case("batching", seed=800672662440210820, orders_per_day=12_000))
    parts = {part.module: part.change_pp for part in result.parts}
    assert abs(parts["demand"]) <= 0.05 * parts["policy"]


def test_cancellations_are_read_as_lateness_where_failed_orders_have_no_drivers() -> None:
    assert shapley(case("courier_supply"), "cancellation").outcome_metric in ("on_time", "cancellation")


def test_a_duration_is_not_taken_apart() -> None:
    with pytest.raises(ToolFailure, match="it is a duration"):
        shapley(case("none"), "fulfilment")


def test_without_replicates_the_parts_are_the_same_and_nothing_is_clear() -> None:
    sure, quick = shapley(case("batching")), shapley(case("batching"), replicates=0)
    assert (sure.n_replicates, quick.n_replicates) == (100, 0)
    assert [part.change_pp for part in quick.parts] == [part.change_pp for part in sure.parts]
    assert {(part.low_pp, part.high_pp, part.clear) for part in quick.parts} == {(None, None, False)}
    assert (quick.top_low_pp, quick.top_high_pp, quick.top_clear) == (None, None, False)


def test_the_number_of_replicates_is_bounded() -> None:
    with pytest.raises(ToolFailure, match="replicates = -1"):
        shapley(case("batching"), replicates=-1)
