"""The rooms beneath the service: the dataset it watches, the knowledge store, the model, the checkpoints."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agents.context import Context
from agents.events import EventSink
from agents.investigation import investigate
from agents.models import get_model
from agents.report import InvestigationReport
from data import calendar as calendars
from data import mapping as mappings
from data.dataset import Dataset
from data.errors import DataError
from knowledge import open_store
from knowledge.memory import Resolution as Remembered
from server import experiment_powers
from server.clock import Clock
from server.confidence import confidence_model
from server.datasets import open_data
from server.experiment_types import Adjustment, Designed, RolledOut
from server.models import RunRecord
from server.reasoning import model_settings
from server.repository import Served
from server.settings import Settings
from tools.detection import detect
from tools.experiment import ExperimentPlan
from tools.incidents import DetectionReport, Incident
from tools.monitor_report import MonitorReport
from tools.ports import Assignments
from tools.recommendations import Recommendation
from tools.registry import ToolContext
from tools.resolution import Resolution
from tools.settings import AnalysisSettings

if TYPE_CHECKING:
    from knowledge.store import KnowledgeStore

CHECKPOINTS = "checkpoints.sqlite"


class OwnWorkbench:
    """Detects and investigates in the folder of the settings; data and knowledge are opened on first use."""

    def __init__(self, settings: Settings, *, clock: Clock, checkpoints: AsyncSqliteSaver) -> None:
        self._settings = settings
        self._clock = clock
        self._checkpoints = checkpoints
        self._confidence = confidence_model(settings)
        self._opening = threading.Lock()
        self._computing = threading.Lock()
        self._dataset: Dataset | None = None
        self._knowledge: KnowledgeStore | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, *, clock: Clock) -> AsyncIterator["OwnWorkbench"]:
        """With the checkpoints open; they lie in the state folder.

        Raises:
            ConfigurationError: the confidence model of the settings cannot be read.
        """
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        async with AsyncSqliteSaver.from_conn_string(str(settings.state_dir / CHECKPOINTS)) as saver:
            yield cls(settings, clock=clock, checkpoints=saver)

    def identify(self) -> Served:
        """Which data are served, as of when.

        Raises:
            DataError: the data are missing or unusable.
        """
        dataset, rules = self._open_dataset(), self._rules()
        return Served(dataset.fingerprint, dataset.as_of, _name(rules))

    def detect(self, history: Sequence[Incident]) -> DetectionReport:
        """Look for incidents; those of `history` that go on keep their ids.

        Raises:
            DataError: the data are missing or unusable.
        """
        dataset, rules = self._open_dataset(), self._rules()
        with self._computing:
            return detect(dataset, history=history, settings=rules)

    async def investigate(self, run: RunRecord, sink: EventSink) -> InvestigationReport:
        """Carry out a run, from its last checkpoint where there is one.

        Raises:
            DataError: the data are missing, unusable, or not what they were when the run was queued.
        """
        dataset = await asyncio.to_thread(self._open_dataset)
        if dataset.fingerprint != run.fingerprint:
            raise DataError(
                f"{self._settings.dataset_dir} has changed since this investigation was asked for; start another"
            )
        context = Context(
            dataset=dataset.at(run.as_of),
            model=get_model(model_settings(self._settings)),
            clock=self._clock,
            settings=self._rules(),
            confidence=self._confidence,
            knowledge=await asyncio.to_thread(self._open_store),
            sink=sink,
            lock=self._computing,
        )
        return await investigate(
            context,
            run_id=run.id,
            incident=Incident.model_validate_json(run.incident),
            checkpointer=self._checkpoints,
        )

    # --- experiments

    def read_experiment(
        self, plan: ExperimentPlan, assignments: Assignments, *, as_of: datetime | None
    ) -> MonitorReport:
        """The reading of a running experiment.

        Raises:
            ToolFailure: the assignment cannot be used with these data, or nothing has begun.
            DataError: the data are missing or unusable, or lack what the plan's unit needs.
        """
        context = self._tools(as_of)
        with self._computing:
            return experiment_powers.read_experiment(context, plan, assignments)

    def design(
        self, incident: Incident, recommendation: Recommendation, asked: Adjustment, *, as_of: datetime
    ) -> Designed:
        """The plan of an adjusted experiment.

        Raises:
            ValueError: what is asked for does not exist or cannot be planned for.
            ToolFailure: the data cannot tell what the action would do.
            DataError: the data are missing or unusable, or lack what the action needs.
        """
        context = self._tools(as_of)
        with self._computing:
            return experiment_powers.design(context, incident, recommendation, asked)

    def judge(self, incident: Incident, done: RolledOut, *, as_of: datetime | None) -> Resolution:
        """Whether an incident is fixed.

        Raises:
            ToolFailure: too few days before the incident to know what is usual.
            DataError: the data are missing or unusable.
        """
        context = self._tools(as_of)
        with self._computing:
            return experiment_powers.judge(context, incident, done)

    def remember(self, resolution: Remembered) -> None:
        """Keep how an incident ended in the memory of the knowledge base."""
        self._open_store().memory.remember(resolution)

    def _tools(self, as_of: datetime | None) -> ToolContext:
        dataset = self._open_dataset()
        return ToolContext(dataset if as_of is None else dataset.at(as_of), self._rules())

    # --- opening

    def _open_dataset(self) -> Dataset:
        with self._opening:
            if self._dataset is None:
                self._dataset = open_data(
                    self._settings, _existing(self._settings), mapping=_mapping(self._settings)
                )
            return self._dataset

    def _rules(self) -> AnalysisSettings:
        path = self._settings.calendar
        return AnalysisSettings(calendar=() if path is None else calendars.load(path))

    def _open_store(self) -> "KnowledgeStore":
        with self._opening:
            if self._knowledge is None:
                self._knowledge = open_store(self._settings.knowledge_dir)
            return self._knowledge


def _existing(settings: Settings) -> Path:
    folder = settings.dataset_dir
    if settings.data is None and not folder.exists():
        raise DataError("no data yet: run `cx demo` to make a world, or set CX_DATA to a folder of tables")
    return folder


def _mapping(settings: Settings) -> mappings.Mapping | None:
    return None if settings.mapping is None else mappings.load(settings.mapping)


def _name(rules: AnalysisSettings) -> str:
    """Tells settings of the analysis apart; empty for the usual ones."""
    if rules == AnalysisSettings():
        return ""
    return hashlib.blake2b(rules.model_dump_json().encode(), digest_size=6).hexdigest()
