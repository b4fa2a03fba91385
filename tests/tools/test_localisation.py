"""The tools of localisation on one simulated incident."""

from typing import TYPE_CHECKING

import pytest

from data.slices import Slice
from tools.cx_contributions import CxContributionsResult, cx_contributions
from tools.errors import ToolFailure
from tools.incident_frame import SpanArguments
from tools.localisation import LocaliseArguments, changes, drop_waterfall, localise_drop
from tools.localisation_tools import TOOLS
from tools.metric_values import metric_values
from tools.rate_mix_parts import RateMixArguments, rate_mix
from tools.registry import REGISTRY, ToolContext

if TYPE_CHECKING:
    from tests.tools.conftest import Scene


def about(
    scene: "Scene",
    *,
    where: Slice | None = None,
    metric: str = "on_time",
    dimensions: tuple[str, ...] = (),
) -> LocaliseArguments:
    window = scene.incident.window
    return LocaliseArguments(
        slice=where or Slice(), start=window.start, end=window.end, metric=metric, dimensions=dimensions
    )


def kinds(scene: "Scene", *, metric: str = "on_time") -> RateMixArguments:
    return RateMixArguments(**dict(about(scene, metric=metric, dimensions=("region",))))


def test_the_fault_is_the_first_part(batching: "Scene") -> None:
    context = ToolContext(batching.dataset)
    found = localise_drop(context, about(batching))
    assert found.where == "slices"
    first = found.parts[0]
    assert first.slice.values == batching.incident.slice.values
    assert first.stars == "***"
    assert first.change_pp is not None
    assert first.change_pp < -5
    assert first.change_s is None


@pytest.mark.parametrize("metric", ["on_time", "fulfilment", "cx_index", "cancellation"])
def test_the_waterfall_adds_up_to_the_plain_change(batching: "Scene", metric: str) -> None:
    context = ToolContext(batching.dataset)
    arguments = about(batching, metric=metric)
    steps = drop_waterfall(context, arguments)
    (unit,) = [name for name, value in changes(metric, 1.0).items() if value is not None]
    values = [getattr(part, unit) for part in steps.parts]
    assert sum(values) == pytest.approx(getattr(steps.whole, unit), abs=1e-9)
    assert 2 <= len(steps.parts) <= 8
    assert steps.parts[-1].kind == "rest"
    if metric != "cx_index":
        plain = metric_values(context, arguments)
        assert getattr(steps.whole, unit) == pytest.approx(getattr(plain, unit), abs=1e-9)
    assert sum(part.window_orders for part in steps.parts) == steps.whole.window_orders


def test_rate_and_mix_add_up(batching: "Scene") -> None:
    split = rate_mix(ToolContext(batching.dataset), kinds(batching))
    assert split.total_change_pp is not None
    assert split.rate_change_pp is not None
    assert split.mix_change_pp is not None
    assert split.rate_change_pp + split.mix_change_pp == pytest.approx(split.total_change_pp, abs=1e-9)
    assert split.warning == "none"
    assert split.parts[0].slice == Slice.parse({"region": batching.incident.slice.get("region")})


def contributed(scene: "Scene") -> CxContributionsResult:
    window = scene.incident.window
    arguments = SpanArguments(slice=scene.incident.slice, start=window.start, end=window.end)
    return cx_contributions(ToolContext(scene.dataset), arguments)


def test_components_add_up_to_the_change_of_the_index(batching: "Scene") -> None:
    found = contributed(batching)
    total = sum(part.contribution_score for part in found.parts)
    assert abs(total - found.change_score) < 1e-9
    assert found.current_score - found.baseline_score == found.change_score
    assert found.parts[0].metric == "on_time"
    assert found.parts[0].contribution_score < 0
    assert sum(part.weight_share for part in found.parts) == pytest.approx(1.0)


def test_the_score_that_is_clipped_is_refused(batching: "Scene") -> None:
    context = ToolContext(batching.dataset)
    with pytest.raises(ToolFailure, match="ask for cx_index"):
        localise_drop(context, about(batching, metric="cx_score"))
    with pytest.raises(ToolFailure, match="ask for cx_index"):
        rate_mix(context, kinds(batching, metric="cx_score"))


def test_an_unknown_dimension_is_named(batching: "Scene") -> None:
    context = ToolContext(batching.dataset)
    with pytest.raises(ToolFailure, match="dimensions = 'planet'"):
        localise_drop(context, about(batching, dimensions=("planet",)))


def test_all_of_them_are_registered() -> None:
    assert {function.__name__ for function in TOOLS} <= set(REGISTRY.names())
