"""One line of plain text for an event of a run."""

import json
from typing import Any


def line(payload: str) -> str | None:
    """What an event says; none for events that only carry pieces of others.

    Example:
        >>> line('{"type":"STEP_STARTED","stepName":"triage"}')
        'phase triage'
    """
    event: dict[str, Any] = json.loads(payload)
    return _LINES.get(str(event["type"]), lambda _: None)(event)


def _activity(event: dict[str, Any]) -> str:
    content = event.get("content", {})
    name = (
        content.get("id") or content.get("hypothesis") or content.get("action") or content.get("name") or ""
    )
    return f"{str(event['activityType']).removeprefix('cx.')} {name}".strip()


_LINES = {
    "RUN_STARTED": lambda e: f"run {e['runId']} of {e['threadId']} started",
    "RUN_FINISHED": lambda _: "run finished",
    "RUN_ERROR": lambda e: f"run failed: {e['message']}",
    "STEP_STARTED": lambda e: f"phase {e['stepName']}",
    "SUBAGENT_STARTED": lambda e: f"{e['name']} begins",
    "SUBAGENT_FINISHED": lambda e: f"{str(e['subagentRunId']).rsplit(':', 1)[-1]} is done",
    "SUBAGENT_ERROR": lambda e: f"{str(e['subagentRunId']).rsplit(':', 1)[-1]} failed: {e['message']}",
    "TOOL_CALL_START": lambda e: f"  calls {e['toolCallName']}",
    "ACTIVITY_SNAPSHOT": _activity,
}
