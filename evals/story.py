"""From first alarm to resolved in a simulated world: what was planned, what was measured, and what is true.

The world goes on while the product watches it: the alarm, the diagnosis and the plan see only what was known on their
morning. Then the world runs forward under the plan's own random assignment, stage by stage, and the product reads the
experiment from the data as it would read a real one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

import pandas as pd
from pydantic import BaseModel, ConfigDict

from data.dataset import Dataset
from data.world import World, WorldConfig
from data.world.actions import Action, SetBatchingThreshold
from evals.trial_worlds import MAPPING, TrialWorld, run_forward
from tools.experiment import ExperimentPlan
from tools.incidents import Incident, Kind
from tools.monitor_report import MonitorReport
from tools.monitoring import monitor
from tools.recommendations import Recommendation
from tools.resolution import MeasuredEffect, Resolution, resolve
from tools.slice_band import slice_band

DAYS: Final = 35
"""With a quiet past, up to the end of the watch window."""
AFTER: Final = 56
"""Days that the world goes on: roll-out stages, one extension, and a week inside the band."""
SETTLED_DAYS: Final = 10
"""After the roll-out: a week inside the band, and what ratings take to come in."""
ORDERS_PER_DAY: Final = 12_000
MORNINGS: Final = 6
"""After the fault began, on which somebody looks."""
EARLY_DAY: Final = 3
"""Of the deciding stage: the first view that a manager asks for."""
MORNING: Final = timedelta(hours=9)


class StoryError(RuntimeError):
    """The world did not give a story; says on which step."""


class Comparison(BaseModel):
    """One number, planned, measured and true."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    metric: str
    planned: float | None
    """By the what-if of the recommendation."""
    measured: float | None
    low: float | None
    high: float | None
    truth: float
    """By the world's own run with the action in all windows of the experiment, less that with it in none."""


@dataclass(frozen=True)
class Story:
    """A world with a fault, and what the product may know of it on each day."""

    world: World

    @classmethod
    def of(cls, seed: int, *, orders_per_day: int = ORDERS_PER_DAY) -> "Story":
        """The story of a seed."""
        return cls(
            World(
                WorldConfig(
                    scenario="batching",
                    days=DAYS + AFTER,
                    after_days=AFTER,
                    orders_per_day=orders_per_day,
                    seed=seed,
                )
            )
        )

    @cached_property
    def untreated(self) -> Dataset:
        """The world in which nobody does anything."""
        run = self.world.run()
        return Dataset.from_frames(run.tables, mapping=MAPPING)

    def morning(self, number: int) -> datetime:
        """When somebody looks, on the mornings after the fault began; the first is number 1."""
        onset = self.world.onset
        if onset is None:
            raise StoryError("nothing is wrong in this world")
        return onset + number * timedelta(days=1) + MORNING

    def experiment(self, plan: ExperimentPlan, *, morning: int, seed: int) -> "Experiment":
        """Run the plan's stages forward, from the day after a morning on.

        Raises:
            StoryError: the plan is not one that the world can run, or the world ends before it.
        """
        if plan.unit != "switchback" or plan.action not in ("reduce_batching_threshold", "revert_policy"):
            raise StoryError(
                f"plan: {plan.action} by {plan.unit}; the story can tell a roll-back by switchback"
            )
        action = SetBatchingThreshold(scope=plan.scope, value=self.ordinary_threshold)
        safety, first = plan.rollout[0], self.world.config.onset_day + morning + 1
        # Twice the days: the plan may be extended once.
        needed = first + safety.days + 2 * plan.days + SETTLED_DAYS
        if needed > self.world.config.days:
            raise StoryError(f"the plan ends on day {needed}, the world on day {self.world.config.days}")
        cautious = plan.model_copy(update={"planned_share": safety.exposure_share})
        begun = run_forward(self.world, cautious, action, seed=seed, first_day=first, days=safety.days)
        main = run_forward(
            self.world,
            plan,
            action,
            seed=seed + 1,
            first_day=first + safety.days,
            days=2 * plan.days,
            before=begun.run.actions,
        )
        return Experiment(self, plan, action, (begun, main))

    @property
    def ordinary_threshold(self) -> int:
        """The batching threshold before the fault."""
        fault = self.world.fault
        if fault is None:
            raise StoryError("nothing is wrong in this world")
        return int(fault.before["batching_threshold"])


@dataclass(frozen=True)
class Experiment:
    """The stages of a plan as the world ran them."""

    story: Story
    plan: ExperimentPlan
    action: Action
    stages: tuple[TrialWorld, TrialWorld]
    """Safety, and the one that decides."""

    @cached_property
    def assignment(self) -> pd.DataFrame:
        """The windows of both stages."""
        return pd.concat([stage.windows for stage in self.stages], ignore_index=True)

    @cached_property
    def dataset(self) -> Dataset:
        """The data under both stages."""
        return Dataset.from_frames(self.stages[1].run.tables, mapping=MAPPING)

    def read(self, day: int, *, stage: int = 1) -> MonitorReport:
        """What `cx monitor` says on the morning after so many days of a stage.

        Args:
            day: complete days of the stage.
            stage: 0 for safety, 1 for the one that decides.
        """
        as_of = self.stages[stage].start + (day - 1) * timedelta(days=1) + MORNING
        begun = pd.to_datetime(self.assignment["window_start"], utc=True) < as_of
        return monitor(self.plan, self.dataset.at(as_of), self.assignment[begun])

    def roll_out(self, effect: MeasuredEffect) -> "RollOut":
        """The action for all orders, from the morning on which its effect was read."""
        for_good = self.action.model_copy(update={"scope": self.plan.scope, "start": effect.read_at})
        until = [
            one.model_copy(
                update={"during": tuple(span for span in one.during or () if span[1] <= effect.read_at)}
            )
            for one in self.stages[1].run.actions
        ]
        run = self.story.world.run((*(one for one in until if one.during), for_good))
        return RollOut(Dataset.from_frames(run.tables, mapping=MAPPING), effect)

    def compared(self, chosen: Recommendation, read: MonitorReport) -> tuple[Comparison, ...]:
        """Planned, measured and true, of the primary metric."""
        primary, planned = read.metrics[0], chosen.effects.get(self.plan.primary)
        return (
            Comparison(
                metric=self.plan.primary,
                planned=None if planned is None else planned.estimate,
                measured=primary.effect,
                low=primary.low,
                high=primary.high,
                truth=self.stages[1].truth[self.plan.primary],
            ),
        )


@dataclass(frozen=True)
class RollOut:
    """The world with the action in force for good."""

    dataset: Dataset
    effect: MeasuredEffect
    """As the experiment measured it; read on the morning of the roll-out."""

    def resolution(self, incident: Incident, *, days: int = SETTLED_DAYS) -> Resolution:
        """Whether the incident may be closed so many days after the roll-out."""
        rolled_out = self.effect.read_at
        as_of = rolled_out + days * timedelta(days=1)
        points = slice_band(self.dataset.at(as_of), incident.slice, before=incident.onset)
        return resolve(points, rolled_out=rolled_out, effect=self.effect, as_of=as_of)


def first_incident(found: Sequence[Incident]) -> Incident | None:
    """The worst one that customers feel."""
    return next((incident for incident in found if incident.kind is Kind.CX), None)
