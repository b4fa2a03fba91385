"""Reading a running experiment from files: the plan, the assignment, the data."""

from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from agents.report import InvestigationReport
from data.dataset import Dataset
from server.cli.exits import CommandError, ExitCode
from tools.errors import ToolFailure
from tools.experiment import ExperimentPlan
from tools.monitor_report import MonitorReport
from tools.monitoring import monitor
from tools.settings import AnalysisSettings


def read_plan(path: Path) -> ExperimentPlan:
    """The plan in a file: its own JSON, or the report of an investigation that holds one.

    Raises:
        CommandError: the file is missing, or holds no plan.
    """
    text = _read(path, "--plan")
    try:
        return ExperimentPlan.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
    try:
        plan = InvestigationReport.model_validate_json(text).experiment_plan
    except ValidationError:
        where = ".".join(map(str, first["loc"])) or "the document"
        raise _unusable(
            f"--plan {path}: not a plan ({where}: {first['msg']}); give the JSON of `cx plan --json`, or the report.json "
            "of `cx investigate --out`"
        ) from None
    if plan is None:
        raise _unusable(f"--plan {path}: this investigation planned no experiment")
    return plan


def read_assignment(path: Path, option: str = "--assignment") -> pd.DataFrame:
    """The rows of a CSV file, as text.

    Raises:
        CommandError: the file is missing, or is no CSV.
    """
    try:
        return pd.read_csv(path, dtype=str)
    except OSError as error:
        raise _unusable(f"{option} {path}: {error.strerror or error}") from error
    except pd.errors.EmptyDataError as error:
        raise _unusable(f"{option} {path}: the file is empty") from error
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise _unusable(f"{option} {path}: not a CSV file ({str(error).strip()})") from error


def monitor_dataset(
    dataset: Dataset,
    plan: ExperimentPlan,
    assignment: pd.DataFrame,
    *,
    others: tuple[pd.DataFrame, ...] = (),
    rules: AnalysisSettings | None = None,
) -> MonitorReport:
    """The reading of a running experiment.

    Raises:
        CommandError: the assignment cannot be used with these data.
    """
    try:
        return monitor(plan, dataset, assignment, others=others, settings=rules)
    except ToolFailure as error:
        raise _unusable(str(error)) from error


def _read(path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _unusable(f"{option} {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise _unusable(f"{option} {path}: not a text file") from error


def _unusable(message: str) -> CommandError:
    return CommandError(message, ExitCode.UNUSABLE)
