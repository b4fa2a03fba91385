"""Detection and investigation for the command line: pure, nothing is stored or remembered."""

import asyncio
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from agents.context import Context
from agents.events import EventSink
from agents.investigation import UnknownIncidentError, investigate
from agents.models import get_model
from agents.report import InvestigationReport
from data.dataset import Dataset
from server.cli.exits import CommandError
from server.clock import system_clock
from server.confidence import confidence_model
from server.reasoning import model_settings
from server.settings import Settings
from tools.detection import detect
from tools.incidents import DetectionReport, Grain, Incident
from tools.ports import Knowledge
from tools.settings import AnalysisSettings

RUN = "run"
"""The id of the only run of a command; what it tells must be the same every time."""


def parse_grain(text: str) -> Grain:
    """A grain by name.

    Raises:
        CommandError: there is no such grain.
    """
    for grain in get_args(Grain):
        if grain == text:
            return text  # type: ignore[return-value]  # one of the literals
    raise CommandError(f"--grain {text!r} is unknown; known: {', '.join(get_args(Grain))}")


def read_history(path: Path | None) -> tuple[Incident, ...]:
    """The incidents of an earlier detection, from its JSON.

    Raises:
        CommandError: the file is missing or holds something else.
    """
    if path is None:
        return ()
    try:
        return DetectionReport.model_validate_json(path.read_text(encoding="utf-8")).incidents
    except OSError as error:
        raise CommandError(f"--history {path}: {error.strerror or error}") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise CommandError(f"--history {path}: not the JSON of `cx detect --json`") from error


def detect_incidents(
    dataset: Dataset,
    *,
    grain: Grain = "day",
    history: tuple[Incident, ...] = (),
    rules: AnalysisSettings | None = None,
) -> DetectionReport:
    """What went wrong in these data.

    Raises:
        DataError: there is too little to compare with.
    """
    return detect(dataset, grain=grain, history=history, settings=rules)


def latest_incident(dataset: Dataset, *, rules: AnalysisSettings | None = None) -> Incident | None:
    """The incident that began last.

    Raises:
        DataError: there is too little to compare with.
    """
    found = detect_incidents(dataset, rules=rules).incidents
    return max(found, key=lambda incident: (incident.onset, incident.id), default=None)


def investigate_dataset(
    dataset: Dataset,
    *,
    sink: EventSink,
    settings: Settings,
    rules: AnalysisSettings | None = None,
    incident: Incident | None = None,
    incident_id: str | None = None,
) -> InvestigationReport:
    """Look into an incident: one at hand, one of this id, or the worst one.

    Raises:
        CommandError: there is no such incident.
        ConfigurationError: the confidence model of the settings cannot be read.
        DataError: there is too little to compare with.
    """
    context = Context(
        dataset=dataset,
        model=get_model(model_settings(settings)),
        clock=system_clock,
        settings=rules or AnalysisSettings(),
        confidence=confidence_model(settings),
        knowledge=_knowledge(),
        sink=sink,
    )
    work = investigate(context, run_id=RUN, incident=incident, incident_id=incident_id)
    try:
        return asyncio.run(work)
    except UnknownIncidentError as error:
        raise CommandError(str(error)) from error


def _knowledge() -> Knowledge:
    from knowledge import open_store

    return open_store(None)
