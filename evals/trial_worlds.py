"""A simulated world run forward under the random assignment of an experiment, and the truth about it.

The action acts in the treated windows of the plan's scope only. The same draws with the action in all windows, and
in none, give the true effect: what every estimate is held against.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from data.mapping import Mapping
from data.slices import Slice
from data.world import World, write
from data.world.actions import Action, Span
from data.world.regions import REGIONS, ZONES
from data.world.run import WorldRun
from tools.assignment import TREATMENT, draw_windows
from tools.experiment import ExperimentPlan
from tools.switch_windows import END, START, calendar, window_of

MAPPING = Mapping(zones=dict(ZONES))


@dataclass(frozen=True)
class TrialWorld:
    """A world in which an experiment has run."""

    run: WorldRun
    windows: pd.DataFrame
    """The assignment: one row a window."""
    start: datetime
    end: datetime
    truth: dict[str, float]
    """Metrics of the scope and time with the action in all windows, less those with it in none."""


def run_forward(
    world: World,
    plan: ExperimentPlan,
    action: Action,
    *,
    seed: int,
    first_day: int,
    days: int,
    before: Sequence[Action] = (),
) -> TrialWorld:
    """Let a world run under a switchback.

    Args:
        world: what to run.
        plan: gives scope, windows and share.
        action: what the treated windows get; its own scope, start and spans are not used.
        seed: of the assignment.
        first_day: of the experiment, counted from the world's first.
        days: of the experiment.
        before: actions that are in force in both arms.

    Raises:
        ValueError: the plan is no switchback, or its scope is unknown to the world.
    """
    windows = draw_windows(
        _calendar(world, plan, first_day=first_day, days=days), share=plan.planned_share, seed=seed
    )
    start, end = windows[START].min().to_pydatetime(), windows[END].max().to_pydatetime()
    treated = world.run((*before, *_acting(action, plan.scope, windows[windows["arm"] == TREATMENT])))
    everywhere = world.run((*before, *_acting(action, plan.scope, windows)))
    nowhere = world.run(before)
    with_it, without = (run.metrics(plan.scope, start, end) for run in (everywhere, nowhere))
    truth = {name: with_it[name] - without[name] for name in with_it}
    return TrialWorld(treated, windows.assign(assigned_at=start), start, end, truth)


def _calendar(world: World, plan: ExperimentPlan, *, first_day: int, days: int) -> pd.DataFrame:
    if plan.window_hours is None:
        raise ValueError(
            f"plan.unit = {plan.unit!r}, must be switchback: the world acts on regions and hours"
        )
    own = plan.scope.get("region")
    epoch_day = (world.config.start - datetime(1970, 1, 1).date()).days  # noqa: DTZ001  # a calendar date
    return calendar(
        plan.scope,
        plan.window_hours,
        regions=REGIONS if own is None else (own,),
        mapping=MAPPING,
        first_day=epoch_day + first_day,
        days=days,
    )


def _acting(action: Action, scope: Slice, windows: pd.DataFrame) -> list[Action]:
    """The action in the windows, region by region."""
    return [
        action.model_copy(
            update={"scope": _in_region(scope, str(region)), "start": None, "during": _spans(own)}
        )
        for region, own in windows.groupby("region", sort=True)
    ]


def _in_region(scope: Slice, region: str) -> Slice:
    return Slice.parse({**scope.model_dump(), "region": region})


def _spans(windows: pd.DataFrame) -> tuple[Span, ...]:
    ordered = windows.sort_values(START)
    pairs = zip(ordered[START], ordered[END], strict=True)
    return tuple((start.to_pydatetime(), end.to_pydatetime()) for start, end in pairs)


def by_order(trial: TrialWorld, plan: ExperimentPlan) -> pd.DataFrame:
    """The assignment as a log of orders: `order_id`, `arm`, `assigned_at`."""
    orders = trial.run.tables["orders"]
    chosen = orders[trial.run.select(plan.scope, trial.start, trial.end)]
    window = window_of(chosen, trial.windows)
    own = trial.windows.iloc[window[window >= 0].to_numpy()]
    return pd.DataFrame(
        {
            "order_id": chosen["order_id"][(window >= 0).to_numpy()].to_numpy(),
            "arm": own["arm"].to_numpy(),
            "assigned_at": own[START].to_numpy(),
        }
    )


def write_trial(trial: TrialWorld, plan: ExperimentPlan, folder: Path) -> tuple[Path, Path]:
    """Write the world's tables to `folder` and beside it the log of orders and the plan.

    Returns:
        The assignment's file and the plan's file.

    Raises:
        DataError: something else is at `folder` already.
    """
    write(trial.run, folder)
    log, planned = (
        folder.with_name(f"{folder.name}.assignment.csv"),
        folder.with_name(f"{folder.name}.plan.json"),
    )
    by_order(trial, plan).to_csv(log, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    planned.write_text(plan.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return log, planned
