"""The dispatch simulator as a registered tool."""

from typing import Annotated

from pydantic import Field
from threadpoolctl import threadpool_limits

from data.dataset import Dataset
from data.slices import Slice
from tools.dispatch.calibration import Parameters, calibrate
from tools.dispatch.fleet import Fleet, fleet_of
from tools.dispatch.replay import Replay, replay
from tools.dispatch.simulate import changed, effects
from tools.incidents import Window
from tools.interventions import Intervention
from tools.recommendations import Effect, Guardrail
from tools.registry import Arguments, Cost, Result, ToolContext, tool
from tools.settings import AnalysisSettings


class SimulateDispatchArguments(Arguments):
    """Which orders, and what is changed."""

    slice: Slice
    """Orders that the intervention reaches."""
    window: Window
    """Days of the incident; the baseline is what lies before."""
    intervention: Intervention
    n_replications: Annotated[int, Field(ge=20, le=2_000)] = 200
    """How often both arms are played."""


class SimulateDispatchResult(Result):
    """Simulated effects against doing nothing, and how well the simulator replays what was observed."""

    usable: bool
    reason: str
    """Why the simulator must not be used here, or how it was checked."""
    effects: dict[str, Effect]
    """By metric; empty where the simulator must not be used."""
    parameters: Parameters
    fitted_to: tuple[str, ...]
    """Moments that the parameters were fitted to."""
    fitted_without: tuple[str, ...]
    """Columns that are absent; what they would tell is left out."""
    replays: tuple[Replay, ...]
    """Of the weeks before and of the incident."""
    not_testable: tuple[Guardrail, ...]
    affected_orders: int
    intervention: str


@tool(cost=Cost.EXPENSIVE)
def simulate_dispatch(context: ToolContext, arguments: SimulateDispatchArguments) -> SimulateDispatchResult:
    """Simulate an incident's dispatch, order by order and courier by courier, under an intervention.

    Use it beside `what_if`, and for levels that were never seen. It replays the weeks before and the incident first;
    where it cannot, it says by how much and gives no effects.
    """
    with threadpool_limits(1):
        return simulate(
            context.dataset,
            where=arguments.slice,
            window=arguments.window,
            intervention=arguments.intervention,
            replications=arguments.n_replications,
            settings=context.settings,
        )


def simulate(
    dataset: Dataset,
    *,
    where: Slice,
    window: Window,
    intervention: Intervention,
    replications: int,
    settings: AnalysisSettings,
) -> SimulateDispatchResult:
    """As the tool `simulate_dispatch`.

    Raises:
        ToolFailure: the question cannot be put to these data; says why.
    """
    fleet = fleet_of(dataset, where=where, window=window, settings=settings, policy=intervention.policy)
    rule = dataset.mapping.on_time
    fitted = calibrate(fleet, seed=settings.seed)
    replayed = replay(fleet, fitted, rule, seed=settings.seed)
    changed(fleet, replayed.arm, intervention)
    found: dict[str, Effect] = {}
    if replayed.reason is None:
        found = effects(
            fleet,
            fitted,
            replayed,
            intervention,
            rule=rule,
            replications=replications,
            settings=settings,
        )
    return SimulateDispatchResult(
        usable=replayed.reason is None,
        reason=replayed.reason or f"both replays are within their tolerance ({replayed.incident.how})",
        effects=found,
        parameters=fitted.parameters,
        fitted_to=_fitted_to(fleet),
        fitted_without=fleet.missing,
        replays=(replayed.before, replayed.incident),
        not_testable=(Guardrail(metric="demand", reason=_DEMAND),),
        affected_orders=int(fleet.now.sum()),
        intervention=str(intervention),
    )


_DEMAND = (
    "arrivals are taken as recorded: what customers would order under another promise or service is not known"
)


def _fitted_to(fleet: Fleet) -> tuple[str, ...]:
    moments = [
        "batched share",
        "mean and spread of the wait of orders carried alone, and of each further order of a batch",
        "preparation by store, its growth with the batch, its spread",
        "what remains of fulfilment by distance, its spread",
        "promise by batch at the same store and distance",
        "batching by load",
    ]
    if "canceled" in fleet.rows:
        moments.append("cancellation: its share, and its answer to wait and lateness")
    if fleet.supplied:
        moments += ["busy courier-hours", "wait by share of idle couriers"]
    return tuple(moments)
