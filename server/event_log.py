"""The append-only log of each run: persisted before anybody sees it, in an order that does not depend on races.

An event is stored when it is emitted, and gets its place `seq` in the log when no event before it can come
any more (`agents.events.Sequencer`). Both happen in one transaction, so a killed service continues with the
same log; events that a resumed node tells again are known by (run, node, branch, ordinal) and ignored.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from ag_ui import core
from pydantic import TypeAdapter

from agents.events import RunEvent, Sequencer
from server.clock import Clock, system_clock, to_millis
from server.models import RunEventRecord
from server.repository import Key, Repository

TERMINAL = (core.EventType.RUN_FINISHED, core.EventType.RUN_ERROR)
_EVENT: TypeAdapter[core.Event] = TypeAdapter(core.Event)


@dataclass
class _RunLog:
    """What is kept in memory of a run's log; all of it can be rebuilt from the table."""

    sequencer: Sequencer = field(default_factory=Sequencer)
    known: set[Key] = field(default_factory=set)
    next_seq: int = 1
    closed: bool = False

    def place(self, event: RunEvent) -> list[tuple[Key, int]]:
        """The events that this one releases, each with its place."""
        self.known.add(event.key)
        released = list(self.sequencer.push(event))
        if event.event.type in TERMINAL:
            self.closed = True
        placed = [(each.key, seq) for seq, each in enumerate(released, start=self.next_seq)]
        self.next_seq += len(placed)
        return placed


class EventLog:
    """An `EventSink` over the system of record; safe to call from several threads."""

    def __init__(self, repository: Repository, *, clock: Clock = system_clock) -> None:
        self._repository = repository
        self._clock = clock
        self._runs: dict[str, _RunLog] = {}
        self._lock = threading.Lock()

    def emit(self, event: RunEvent) -> None:
        """Store an event; when this returns, it is on disk. One that is known, or late, is ignored."""
        with self._lock:
            log = self._runs.get(event.run) or self._load(event.run)
            if event.key in log.known or log.closed:
                return
            try:
                self._repository.add_event(self._record(event), log.place(event))
            except BaseException:
                # What is in memory is now ahead of the table: read it again next time.
                del self._runs[event.run]
                raise

    def forget(self, run: str) -> None:
        """Drop what is kept in memory of a finished run."""
        with self._lock:
            self._runs.pop(run, None)

    def _load(self, run: str) -> _RunLog:
        log = _RunLog()
        for record in self._repository.arrivals(run):
            log.place(_event(record))
        self._runs[run] = log
        return log

    def _record(self, event: RunEvent) -> RunEventRecord:
        now = self._clock()
        payload = event.as_json()
        payload.setdefault("timestamp", to_millis(now))
        return RunEventRecord(
            run_id=event.run,
            node=event.node,
            branch=event.branch,
            ordinal=event.ordinal,
            siblings=json.dumps(event.siblings),
            last=event.last,
            terminal=event.event.type in TERMINAL,
            payload=json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False),
            created_at=now,
        )


def without_times(payloads: Sequence[str]) -> list[dict[str, object]]:
    """Events with their timestamps taken out, for comparing two logs.

    Example:
        >>> without_times(['{"type":"STEP_STARTED","stepName":"triage","timestamp":5}'])
        [{'type': 'STEP_STARTED', 'stepName': 'triage'}]
    """
    return [
        {key: value for key, value in json.loads(payload).items() if key != "timestamp"}
        for payload in payloads
    ]


def _event(record: RunEventRecord) -> RunEvent:
    return RunEvent(
        run=record.run_id,
        node=record.node,
        branch=record.branch,
        ordinal=record.ordinal,
        event=_EVENT.validate_json(record.payload),
        siblings=tuple(json.loads(record.siblings)),
        last=record.last,
    )
