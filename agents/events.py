"""What a run tells while it works: AG-UI 1.0 events, keyed so that telling twice does no harm.

An event's key is (run, node, branch, ordinal); ordinals start at 1 in every branch of every node, so a node
that runs again after a crash emits the same keys. `Sequencer` puts the events of parallel branches into
the one order that depends on their content alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ag_ui import core

from agents.text import compact_json, shorten

Clock = Callable[[], datetime]
"""Gives the present as an aware time."""

PROTOCOL_VERSION = "1.0"
MAX_RESULT_CHARACTERS = 16_000
"""A tool result longer than this is cut in the event; the evidence keeps it whole."""
TEXT_CHUNK_CHARACTERS = 400


@dataclass(frozen=True)
class RunEvent:
    """One event of a run's log."""

    run: str
    node: str
    """The node of the graph that told it, or `run` for what frames the whole run."""
    branch: str
    """The parallel branch of the node; empty for nodes that have only one."""
    ordinal: int
    """Counts from 1 within (run, node, branch)."""
    event: core.Event
    siblings: tuple[str, ...] = ()
    """All branches that this node was sent to; empty for nodes that have only one."""
    last: bool = False
    """Whether the branch says nothing after this."""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What makes it unique."""
        return (self.run, self.node, self.branch, self.ordinal)

    def as_json(self) -> dict[str, Any]:
        """The event as AG-UI clients read it: camel case, nothing null."""
        dumped: dict[str, Any] = self.event.model_dump(mode="json", by_alias=True, exclude_none=True)
        return dumped


class EventSink(Protocol):
    """Where a run's events go. Must accept a key that it has seen before, and ignore it."""

    def emit(self, event: RunEvent) -> None:
        """Take one event; when this returns, it is safe."""


class NullSink:
    """Forgets everything."""

    def emit(self, event: RunEvent) -> None:
        """Do nothing."""


@dataclass
class ListSink:
    """Keeps events in memory, each key once."""

    _known: dict[tuple[str, str, str, int], RunEvent] = field(default_factory=dict)

    def emit(self, event: RunEvent) -> None:
        """Keep it unless its key is known."""
        self._known.setdefault(event.key, event)

    @property
    def events(self) -> tuple[RunEvent, ...]:
        """In order of arrival."""
        return tuple(self._known.values())


class Sequencer:
    """Orders a run's events by content: parallel branches are merged by (ordinal, branch).

    An event is released once every sibling branch has reached its ordinal or has ended. Feeding the events of
    an interrupted run again, in any order that keeps each branch's own, gives the same sequence.

    Example:
        >>> [e.branch + str(e.ordinal) for e in Sequencer().push(_demo("a", 1))]
        []
        >>> s = Sequencer()
        >>> out = [*s.push(_demo("b", 1)), *s.push(_demo("b", 2)), *s.push(_demo("a", 1, last=True))]
        >>> [e.branch + str(e.ordinal) for e in out]
        ['a1', 'b1', 'b2']
    """

    def __init__(self) -> None:
        self._seen: set[tuple[str, str, str, int]] = set()
        self._waiting: dict[str, dict[str, list[RunEvent]]] = {}
        self._ended: dict[str, set[str]] = {}

    def push(self, event: RunEvent) -> tuple[RunEvent, ...]:
        """Take an event; returns those that may now be written, in order."""
        if event.key in self._seen:
            return ()
        self._seen.add(event.key)
        if not event.siblings:
            return (*self.drain(), event)
        queues = self._waiting.setdefault(event.node, {branch: [] for branch in event.siblings})
        queues[event.branch].append(event)
        if event.last:
            self._ended.setdefault(event.node, set()).add(event.branch)
        return tuple(self._release(event.node))

    def drain(self) -> tuple[RunEvent, ...]:
        """Whatever still waits, by (node, ordinal, branch): at the end of a run or after its failure."""
        waiting = [event for queues in self._waiting.values() for queue in queues.values() for event in queue]
        self._waiting.clear()
        return tuple(sorted(waiting, key=lambda e: (e.node, e.ordinal, e.branch)))

    def _release(self, node: str) -> Iterator[RunEvent]:
        queues, ended = self._waiting[node], self._ended.get(node, set())
        while all(queue or branch in ended for branch, queue in queues.items()):
            heads = [queue[0] for queue in queues.values() if queue]
            if not heads:
                return
            first = min(heads, key=lambda e: (e.ordinal, e.branch))
            yield queues[first.branch].pop(0)


class Emitter:
    """Tells what one branch of one node does; every scope that it opens, it closes."""

    def __init__(
        self,
        sink: EventSink,
        clock: Clock,
        *,
        run: str,
        node: str,
        branch: str = "",
        siblings: tuple[str, ...] = (),
    ) -> None:
        self._sink, self._clock = sink, clock
        self._run, self._node, self._branch, self._siblings = run, node, branch, siblings
        self._ordinal = 0
        self._subagent: str | None = None

    @property
    def _next_id(self) -> str:
        parts = (self._run, self._node, self._branch, str(self._ordinal + 1))
        return ":".join(part for part in parts if part)

    def _emit(self, event: core.Event, *, last: bool = False) -> None:
        self._ordinal += 1
        owned = self._subagent is not None and "subagent_run_id" in type(event).model_fields
        changes: dict[str, Any] = {"timestamp": int(self._clock().timestamp() * 1000)}
        if owned:
            changes["subagent_run_id"] = self._subagent
        self._sink.emit(
            RunEvent(
                run=self._run,
                node=self._node,
                branch=self._branch,
                ordinal=self._ordinal,
                event=event.model_copy(update=changes),
                siblings=self._siblings,
                last=last,
            )
        )

    def run_started(self, thread: str) -> None:
        """The run begins."""
        self._emit(
            core.RunStartedEvent(thread_id=thread, run_id=self._run, protocol_version=PROTOCOL_VERSION)
        )

    def run_finished(self, thread: str, result: dict[str, Any]) -> None:
        """The run ended well."""
        outcome = core.RunFinishedSuccessOutcome()
        self._emit(
            core.RunFinishedEvent(thread_id=thread, run_id=self._run, result=result, outcome=outcome),
            last=True,
        )

    def run_error(self, message: str, code: str) -> None:
        """The run ended in an error."""
        self._emit(core.RunErrorEvent(message=message, code=code), last=True)

    def state(self, snapshot: dict[str, Any]) -> None:
        """The public state, whole."""
        self._emit(core.StateSnapshotEvent(snapshot=snapshot))

    def activity(self, kind: str, id: str, content: dict[str, Any]) -> None:
        """A card: `cx.evidence`, `cx.hypothesis`, `cx.challenge`, `cx.recommendation` or `cx.experiment_plan`."""
        message = f"{self._run}:{kind}:{id}"
        self._emit(
            core.ActivitySnapshotEvent(message_id=message, activity_type=kind, content=content, replace=True)
        )

    def text(self, text: str) -> None:
        """A whole message, in a few pieces."""
        message = self._next_id
        self._emit(core.TextMessageStartEvent(message_id=message, role="assistant"))
        try:
            for start in range(0, len(text), TEXT_CHUNK_CHARACTERS):
                piece = text[start : start + TEXT_CHUNK_CHARACTERS]
                self._emit(core.TextMessageContentEvent(message_id=message, delta=piece))
        finally:
            self._emit(core.TextMessageEndEvent(message_id=message))

    def tool_called(self, tool: str, arguments: dict[str, Any]) -> str:
        """A tool is called; returns the id under which it will be answered."""
        call = self._next_id
        self._emit(core.ToolCallStartEvent(tool_call_id=call, tool_call_name=tool))
        self._emit(core.ToolCallArgsEvent(tool_call_id=call, delta=compact_json(arguments)))
        self._emit(core.ToolCallEndEvent(tool_call_id=call))
        return call

    def tool_answered(self, call: str, result: str) -> None:
        """The answer to a call."""
        content = shorten(result, MAX_RESULT_CHARACTERS)
        self._emit(
            core.ToolCallResultEvent(
                message_id=f"{call}:result", tool_call_id=call, content=content, role="tool"
            )
        )

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A phase of the work; its name must be unique within the run."""
        self._emit(core.StepStartedEvent(step_name=name))
        try:
            yield
        except Exception:  # whatever failed closes the step, and goes on as it is
            # A cancellation is no `Exception`: the run is resumed and tells the rest then, under the same keys.
            self._emit(core.StepFinishedEvent(step_name=name))
            raise
        self._emit(core.StepFinishedEvent(step_name=name))

    @contextmanager
    def subagent(self, name: str, description: str) -> Iterator[None]:
        """The whole work of a specialist in this branch."""
        own = f"{self._run}:{name}"
        self._emit(core.SubagentStartedEvent(subagent_run_id=own, name=name, description=description))
        self._subagent = own
        try:
            yield
        except Exception as error:
            # As in `step`: told by its kind, and raised again.
            self._subagent = None
            self._emit(core.SubagentErrorEvent(subagent_run_id=own, message=type(error).__name__), last=True)
            raise
        self._subagent = None
        outcome = core.SubagentFinishedSuccessOutcome()
        self._emit(core.SubagentFinishedEvent(subagent_run_id=own, outcome=outcome), last=True)


def _demo(branch: str, ordinal: int, *, last: bool = False) -> RunEvent:
    step = core.StepStartedEvent(step_name=branch)
    return RunEvent("r", "n", branch, ordinal, step, siblings=("a", "b"), last=last)
