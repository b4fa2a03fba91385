"""An experiment that a simulated world went through: tried for a fortnight, then in force for all orders."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

import pandas as pd

from agents.events import EventSink
from agents.report import InvestigationReport
from data.dataset import Dataset
from data.world import World, WorldConfig
from data.world.actions import SetBatchingThreshold
from evals.trial_worlds import MAPPING, run_forward
from knowledge.memory import Resolution as Remembered
from server.experiment_types import RolledOut
from server.models import RunRecord
from server.repository import Served
from server.settings import Settings
from server.workbench import OwnWorkbench
from tests.server.fakes import FakeWorkbench, clock, make_detection, make_incident, make_report
from tests.tools.plans import EVENING, LOOKS, METRICS, plan
from tools.experiment import ExperimentPlan
from tools.incidents import DetectionReport, Incident, Window
from tools.monitor_report import MonitorReport
from tools.ports import Assignments
from tools.resolution import Resolution

FIRST_DAY, DAYS, AFTER = 16, 14, 11
"""The world's day on which the experiment begins, its length, and the days that the world goes on."""


class Tried(NamedTuple):
    """A world in which the batching level of the evenings was bad, was tried out, and was set back for good."""

    plan: ExperimentPlan
    dataset: Dataset
    """As known at its end."""
    windows: pd.DataFrame
    """The assignment."""
    onset: datetime
    start: datetime
    rolled_out: datetime

    def day(self, number: int) -> datetime:
        """The morning after a day of the experiment."""
        return self.start + timedelta(days=number, hours=-6)


@cache
def tried() -> Tried:
    """Make it, once; some seconds."""
    planned = plan(metrics=METRICS[:3], looks=LOOKS[1:])
    world = World(WorldConfig(scenario="none", days=FIRST_DAY + DAYS + AFTER, orders_per_day=1500, seed=8))
    onset = world.draws.grid.midnight("SF", 14)
    bad = SetBatchingThreshold(scope=EVENING, value=4, start=onset)
    good = SetBatchingThreshold(scope=EVENING, value=2)
    trial = run_forward(world, planned, good, seed=3, first_day=FIRST_DAY, days=DAYS, before=(bad,))
    rolled_out = trial.start + timedelta(days=DAYS, hours=-6)
    for_good = good.model_copy(update={"start": rolled_out})
    run = world.run((*trial.run.actions, for_good))
    return Tried(
        planned,
        Dataset.from_frames(run.tables, mapping=MAPPING),
        trial.windows,
        onset,
        trial.start,
        rolled_out,
    )


class TrialBench(FakeWorkbench):
    """Finds and investigates in no time; reads, judges and remembers for real, in the data of `tried`."""

    def __init__(self, settings: Settings, *, as_of: datetime | None = None) -> None:
        went = tried()
        window = Window(start=went.onset, end=went.start)
        found = make_incident().model_copy(
            update={"slice": went.plan.scope, "window": window, "onset": went.onset}
        )
        super().__init__(found)
        self.own = OwnWorkbench(settings, clock=clock, checkpoints=None)  # type: ignore[arg-type]  # no run here
        self.know(as_of or went.dataset.as_of)

    def know(self, as_of: datetime) -> None:
        """From now on the data reach up to here."""
        self.own._dataset = tried().dataset.at(as_of)

    def identify(self) -> Served:
        return self.own.identify()

    def detect(self, history: Sequence[Incident]) -> DetectionReport:
        return make_detection(*self.incidents).model_copy(update={"as_of": tried().start})

    async def investigate(self, run: RunRecord, sink: EventSink) -> InvestigationReport:
        report = await super().investigate(run, sink)
        return make_report(report.incident).model_copy(update={"experiment_plan": tried().plan})

    def read_experiment(
        self, plan: ExperimentPlan, assignments: Assignments, *, as_of: datetime | None
    ) -> MonitorReport:
        return self.own.read_experiment(plan, assignments, as_of=as_of)

    def judge(self, incident: Incident, done: RolledOut, *, as_of: datetime | None) -> Resolution:
        return self.own.judge(incident, done, as_of=as_of)

    def remember(self, resolution: Remembered) -> None:
        super().remember(resolution)
        self.own.remember(resolution)
