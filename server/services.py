"""What the routes work with, put together once at start."""

from dataclasses import dataclass, field
from typing import Literal

import anyio

from server.clock import Clock
from server.event_log import EventLog
from server.experiments import Experiments
from server.investigations import Investigations
from server.repository import Repository
from server.settings import Settings
from server.sse import StreamCap


@dataclass
class DetectionState:
    """How far the service is with looking for incidents."""

    stage: Literal["waiting", "running", "done", "failed"] = "waiting"
    detail: str = ""


@dataclass(frozen=True)
class Services:
    """The parts of a running service."""

    settings: Settings
    clock: Clock
    repository: Repository
    log: EventLog
    investigations: Investigations
    experiments: Experiments
    streams: StreamCap
    stop: anyio.Event
    """Set when the service shuts down; open event streams end then, and clients reconnect."""
    detection: DetectionState = field(default_factory=DetectionState)
