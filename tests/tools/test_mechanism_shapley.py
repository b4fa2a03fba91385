"""The tool on simulated worlds whose fault is known."""

import pytest

from tests.tools.worlds import Case, case
from tools.errors import ToolFailure
from tools.mechanism_shapley import MechanismShapleyResult
from tools.registry import REGISTRY, ToolContext


def shapley(found: Case, metric: str = "on_time", **absent: object) -> MechanismShapleyResult:
    window = found.incident.window
    arguments = {"slice": found.incident.slice, "start": window.start, "end": window.end, "metric": metric}
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


def test_cancellations_are_read_as_lateness_where_failed_orders_have_no_drivers() -> None:
    assert shapley(case("courier_supply"), "cancellation").outcome_metric in ("on_time", "cancellation")


def test_a_duration_is_not_taken_apart() -> None:
    with pytest.raises(ToolFailure, match="it is a duration"):
        shapley(case("none"), "fulfilment")
