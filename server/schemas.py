"""The JSON Schemas of everything that leaves the product as JSON; checks outside it read them.

`python -m server.schemas` writes them to `schemas/`; a test fails while they are out of date.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from agents.report import InvestigationReport
from data.report import CheckReport
from server.settings import REPOSITORY, Settings
from tools.experiment import ExperimentPlan
from tools.incidents import DetectionReport
from tools.monitor_report import MonitorReport

FOLDER = REPOSITORY / "schemas"
COMMANDS: dict[str, type[BaseModel]] = {
    "check": CheckReport,
    "detect": DetectionReport,
    "investigate": InvestigationReport,
    "monitor": MonitorReport,
    "plan": ExperimentPlan,
}
"""Command: what its `--json` prints."""


def documents() -> dict[str, str]:
    """File name: content, for every schema."""
    schemas: dict[str, dict[str, Any]] = {
        f"{name}.json": model.model_json_schema(mode="serialization") for name, model in COMMANDS.items()
    }
    schemas["openapi.json"] = _openapi()
    return {name: json.dumps(schema, indent=2, sort_keys=True) + "\n" for name, schema in schemas.items()}


def _openapi() -> dict[str, Any]:
    from server.app import create_app

    return create_app(Settings(_env_file=None)).openapi()


def write(folder: Path = FOLDER) -> None:
    """Write all schemas to a folder."""
    folder.mkdir(exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
