"""Which part of an incident's change each module of the business accounts for: Shapley values over mechanisms.

A module gets what its own mechanisms did, given what was upstream of them; a driver that moved only because its
parents moved gets nothing. The parts sum to what the mechanisms reproduce of the change; how far that is from the
change itself tells whether the causal graph fits, and beyond a tenth nothing is concluded.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from tools.causal_graph import OUTCOME
from tools.checks import CheckResult
from tools.graph_checks import graph_checks
from tools.incident_frame import IncidentArguments
from tools.mechanism_orders import MechanismOrders, mechanism_orders
from tools.mechanisms import Cuts, Ints, Learner, Mechanisms
from tools.memo import memo
from tools.registry import Cost, Result, ToolContext, tool

REPLICATES: Final = 100
MOST_REPLICATES: Final = 1_000
FITS: Final = 0.10
"""Most of the change that the mechanisms may miss."""
INTERVAL: Final = (2.5, 97.5)


class ShapleyArguments(IncidentArguments):
    """Which incident, and how sure to be."""

    replicates: Annotated[int, Field(ge=0, le=MOST_REPLICATES)] = REPLICATES
    """Resamples of store-days behind the intervals; 0: no intervals, much sooner."""


class ModulePart(Result):
    """One module's part of the change."""

    module: str
    meaning: str
    change_pp: float
    low_pp: float | None
    """Of the 95 % interval, over resampled store-days, wider by what no module is known to have done: what the mechanisms
    miss of the change and what they leave to the outcome. Empty where nothing was resampled."""
    high_pp: float | None
    part_share: float
    """Of the change that the mechanisms reproduce."""
    clear: bool
    """There is an interval, and it leaves zero out."""


class MechanismShapleyResult(Result):
    """Parts of the change by module, largest first."""

    outcome_metric: str
    """The metric whose failed share is taken apart."""
    actual_change_pp: float
    """Of the failed share."""
    explained_change_pp: float
    """What the mechanisms reproduce of it."""
    residual_share: float
    """Distance between the two, of the actual change."""
    fits: bool
    """At most a tenth is missing, or no more than chance; otherwise nothing is concluded from the parts."""
    top_module: str
    top_pp: float
    top_low_pp: float | None
    top_high_pp: float | None
    top_share: float
    top_clear: bool
    """It has an interval, which leaves zero out."""
    top_measured: bool
    """It is a module that something is measured of, not what remains."""
    parts: tuple[ModulePart, ...]
    baseline_orders: int
    window_orders: int
    n_replicates: int
    checks: tuple[CheckResult, ...]
    """The fit, and what the causal graph says that these data deny."""


@tool(cost=Cost.EXPENSIVE)
def mechanism_shapley(context: ToolContext, arguments: ShapleyArguments) -> MechanismShapleyResult:
    """What each module (policy, supply, merchant, inventory, ETA model, demand) did to the outcome by itself.

    Use it to see all modules beside each other, with intervals. Do not conclude anything from it where `fits` is
    false.
    """
    seed, replicates = context.settings.seed, arguments.replicates
    key = ("mechanism_shapley", arguments, seed, context.settings.baseline_days)
    return memo(
        context.dataset,
        key,
        lambda: attribute(mechanism_orders(context, arguments), seed=seed, replicates=replicates),
    )


def attribute(given: MechanismOrders, *, seed: int, replicates: int = REPLICATES) -> MechanismShapleyResult:
    """`mechanism_shapley` on an incident's orders.

    Args:
        given: the orders, the graph of what is measured, and the blocks.
        seed: of the bootstrap.
        replicates: resamples of blocks, of either period by itself; with fewer than two there is no interval, and
            only a change that is missed by less than a tenth fits.
    """
    cuts = Cuts.of(given.orders, given.graph)
    learner = Learner.of(given.orders, given.graph, cuts)
    made = Mechanisms.of(learner)
    parts = made.parts()
    again = [
        (one.actual, one.parts()) for one in resampled(made, given.block, seed=seed, replicates=replicates)
    ]
    explained, actual = sum(parts.values()), made.actual
    missed = np.array([sum(one.values()) - change for change, one in again])
    residual = abs(explained - actual) / abs(actual) if actual else 0.0
    by_chance = abs(explained - actual) <= 2 * float(missed.std()) if len(missed) else False
    remains = given.graph.nodes[OUTCOME].module
    homeless = {name: abs(explained - actual) + abs(parts[remains]) * (name != remains) for name in parts}
    rows = tuple(
        _part(
            name,
            parts[name],
            [one[name] for _, one in again],
            explained,
            meaning=given.graph.modules[name],
            homeless=homeless[name],
        )
        for name in sorted(parts, key=lambda name: (-abs(parts[name]), name))
    )
    during = given.orders.during
    return MechanismShapleyResult(
        outcome_metric=given.outcome_metric,
        actual_change_pp=100 * actual,
        explained_change_pp=100 * explained,
        residual_share=residual,
        fits=residual <= FITS or by_chance,
        top_module=rows[0].module,
        top_pp=rows[0].change_pp,
        top_low_pp=rows[0].low_pp,
        top_high_pp=rows[0].high_pp,
        top_clear=rows[0].clear,
        top_measured=rows[0].module != remains,
        top_share=rows[0].part_share,
        parts=rows,
        baseline_orders=int((~during).sum()),
        window_orders=int(during.sum()),
        n_replicates=len(again),
        checks=(_fit_check(residual, by_chance=by_chance), *graph_checks(given, cuts)),
    )


def resampled(whole: Mechanisms, block: Ints, *, seed: int, replicates: int) -> Iterator[Mechanisms]:
    """The mechanisms of resamples of store-days, of either period by itself.

    Args:
        whole: the mechanisms of all orders.
        block: store and day, by order.
        seed: of the bootstrap.
        replicates: how many.
    """
    rng = np.random.default_rng(seed)
    for _ in range(replicates):
        before, during = (_blocks_of(rng, rows, block[rows]) for rows in (whole.before, whole.during))
        yield Mechanisms(whole.learner, before, during)


def _blocks_of(
    rng: np.random.Generator, rows: npt.NDArray[np.int64], block: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The rows of as many blocks as there are, drawn with repetition."""
    order = np.argsort(block, kind="stable")
    _, start, count = np.unique(block[order], return_index=True, return_counts=True)
    drawn = rng.integers(0, len(start), len(start))
    sizes = count[drawn]
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.asarray(rows[order[np.repeat(start[drawn], sizes) + within]])


def _part(
    name: str, change: float, again: list[float], explained: float, *, meaning: str, homeless: float
) -> ModulePart:
    """One module's row; what is homeless of the change may be any module's, and widens the interval of each."""
    low, high = interval(change, again)
    if low is not None and high is not None:
        low, high = low - homeless, high + homeless
    return ModulePart(
        module=name,
        meaning=meaning,
        change_pp=100 * change,
        low_pp=points(low),
        high_pp=points(high),
        part_share=change / explained if abs(explained) > 1e-12 else 0.0,
        clear=leaves_zero_out(low, high),
    )


def interval(change: float, again: Sequence[float]) -> tuple[float | None, float | None]:
    """Around the estimate, by how far resamples stray: their own mean is off by what resampling adds.

    Fewer than two resamples have none.
    """
    if len(again) < 2:
        return None, None
    low, high = np.percentile(np.array(again) - np.mean(again), INTERVAL)
    return change + float(low), change + float(high)


def leaves_zero_out(low: float | None, high: float | None) -> bool:
    """Whether there is an interval, and zero is not in it."""
    return low is not None and high is not None and (low > 0 or high < 0)


def points(part: float | None) -> float | None:
    """In percentage points."""
    return None if part is None else 100 * part


def _fit_check(residual: float, *, by_chance: bool) -> CheckResult:
    text = f"the mechanisms miss {residual:.0%} of the change" + (
        ", no more than chance" if by_chance else ""
    )
    return CheckResult(name="fit", passed=residual <= FITS or by_chance, text=text)
