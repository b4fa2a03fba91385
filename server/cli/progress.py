"""What an investigation tells while it works, on the command line."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from ag_ui import core
from rich.status import Status

from agents.events import RunEvent, Sequencer
from server.cli.console import stderr


class LineSink:
    """Writes events as JSON lines, in the one order that depends on their content alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._sequencer = Sequencer()

    def emit(self, event: RunEvent) -> None:
        """Write what may be written now."""
        for ready in self._sequencer.push(event):
            self._write(ready)

    def close(self) -> None:
        """Write what still waits."""
        for ready in self._sequencer.drain():
            self._write(ready)

    def _write(self, event: RunEvent) -> None:
        text = json.dumps(event.as_json(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        self._stream.write(text + "\n")
        self._stream.flush()


class StatusSink:
    """Says which phase has begun and which specialist is done."""

    def __init__(self, status: Status | None) -> None:
        self._console = stderr()
        self._status = status
        self._names: dict[str, str] = {}

    def emit(self, event: RunEvent) -> None:
        """Show an event where it moves the work on."""
        content = event.event
        if isinstance(content, core.StepStartedEvent):
            self._say(content.step_name)
        elif isinstance(content, core.SubagentStartedEvent):
            self._names[content.subagent_run_id] = content.name
        elif isinstance(content, core.SubagentFinishedEvent):
            self._say(f"{self._names.get(content.subagent_run_id, 'a specialist')} is done")

    def _say(self, text: str) -> None:
        if self._status is not None:
            self._status.update(f"Investigating: {text} ...")
        else:
            self._console.print(f"  {text}", style="dim", markup=False)


class QuietSink:
    """Says nothing."""

    def emit(self, event: RunEvent) -> None:
        """Do nothing."""


@contextmanager
def event_lines() -> Iterator[LineSink]:
    """Events as JSON lines on stdout."""
    sink = LineSink(sys.stdout)
    yield sink
    sink.close()


@contextmanager
def progress_sink(*, quiet: bool) -> Iterator[StatusSink | QuietSink]:
    """Progress on stderr: a spinner where someone watches, lines elsewhere."""
    console = stderr()
    if quiet:
        yield QuietSink()
    elif console.is_terminal:
        with console.status("Investigating ...") as status:
            yield StatusSink(status)
    else:
        yield StatusSink(None)
