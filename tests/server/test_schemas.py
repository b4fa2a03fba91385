import json
from pathlib import Path

import pytest

from server import schemas
from tests.server.fakes import make_detection, make_incident, make_report


@pytest.mark.parametrize(
    "name", ["check.json", "detect.json", "investigate.json", "monitor.json", "plan.json", "openapi.json"]
)
def test_committed_schemas_are_current(name: str) -> None:
    committed = (schemas.FOLDER / name).read_text()
    assert committed == schemas.documents()[name], "run `python -m server.schemas` and commit the result"


def test_nothing_else_is_committed() -> None:
    assert {path.name for path in schemas.FOLDER.iterdir()} == set(schemas.documents())


def test_writing_makes_the_committed_files(tmp_path: Path) -> None:
    schemas.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(schemas.documents())


def test_schemas_require_what_checks_outside_read() -> None:
    detect = json.loads((schemas.FOLDER / "detect.json").read_text())
    assert set(detect["required"]) == {"incidents", "series", "fingerprint", "as_of"}
    investigate = json.loads((schemas.FOLDER / "investigate.json").read_text())
    named = "incident verdict findings ruled_out not_testable timeline recommendations experiment_plan"
    rest = "narrative evidence grounding fingerprint as_of"
    assert set(investigate["required"]) >= {*named.split(), *rest.split()}


def test_documents_have_only_known_fields() -> None:
    """`additionalProperties: false` everywhere: a new field needs a new schema."""
    for name in ("detect.json", "investigate.json", "monitor.json", "plan.json"):
        assert json.loads((schemas.FOLDER / name).read_text())["additionalProperties"] is False
    assert set(json.loads(make_detection(make_incident()).model_dump_json())) == {
        "incidents",
        "series",
        "fingerprint",
        "as_of",
        "improvements",
    }
    assert json.loads(make_report(None).model_dump_json())["incident"] is None
