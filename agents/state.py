"""The state of an investigation: plain JSON only, so that a checkpoint can be read by any later version."""

from operator import add
from typing import Annotated, Any, TypedDict

from tools.hypotheses import Specialist as Tester

Json = dict[str, Any]


class Branch(TypedDict):
    """What one investigator brings back."""

    specialist: str
    evidence: list[Json]
    """`tools.evidence.Evidence`, ids `specialist:n`, in the order of the calls."""
    battery: dict[str, list[str]]
    """Hypothesis -> ids of its battery's evidence: what alone feeds the confidence."""
    not_testable: dict[str, str]
    remarks: str
    """The model's closing words: shown to the writer, never to people."""
    limitations: list[str]


class Task(TypedDict):
    """What an investigator is sent."""

    run_id: str
    specialist: Tester
    siblings: list[Tester]
    incident: Json


class State(TypedDict, total=False):
    """Grows from node to node; only `branches` and `limitations` are added to."""

    run_id: str
    incident_id: str | None
    grain: str
    incident: Json | None
    branches: Annotated[list[Branch], add]
    limitations: Annotated[list[str], add]
    evidence: dict[str, Json]
    """Final ids -> evidence, in order."""
    battery: dict[str, list[str]]
    """Hypothesis -> final ids of its battery's evidence."""
    adjudication: Json
    """Of the battery's evidence alone, until the leader is challenged."""
    recommendations: list[Json]
    plan: Json | None
    narrative: str
    """Rendered; nothing ungrounded in it."""
    grounding: Json
    report: Json
