"""Investigations in the background of the service: started, resumed after a crash, never tied to a request."""

import asyncio
import logging
from typing import Protocol

from ag_ui import core

from agents.events import EventSink, RunEvent
from agents.report import InvestigationReport
from data.errors import DataError
from server.event_log import EventLog
from server.models import RunRecord
from server.repository import Repository

logger = logging.getLogger(__name__)

LAST_NODE = "service"
"""The node under which the service itself ends a log."""


class Investigator(Protocol):
    """Carries out one run; called again with the same run, it continues from its last checkpoint."""

    async def investigate(self, run: RunRecord, sink: EventSink) -> InvestigationReport:
        """Emit the run's events to the sink and return its report.

        Raises:
            DataError: the data are not what they were when the run was queued, or cannot be read.
        """


class Investigations:
    """The runs that are queued or under way in this process."""

    def __init__(
        self, *, repository: Repository, log: EventLog, investigator: Investigator, max_runs: int
    ) -> None:
        self._repository = repository
        self._log = log
        self._investigator = investigator
        self._places = asyncio.Semaphore(max_runs)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def resume(self) -> int:
        """Start what an earlier process left unfinished; returns how many."""
        runs = self._repository.unfinished_runs()
        for run in runs:
            self.start(run.id)
        return len(runs)

    def start(self, run_id: str) -> None:
        """Carry out a queued run in the background; a run that is under way is left alone."""
        if run_id in self._tasks:
            return
        task = asyncio.create_task(self._carry_out(run_id), name=f"run {run_id}")
        self._tasks[run_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(run_id, None))

    async def idle(self) -> None:
        """Wait until nothing is queued or under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self) -> None:
        """Stop; what is unfinished stays so, and is resumed by the next process."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry_out(self, run_id: str) -> None:
        async with self._places:
            self._repository.start_run(run_id)
            run = self._repository.run(run_id)
            if run is None:
                raise LookupError(f"run {run_id} is gone")
            try:
                report = await self._investigator.investigate(run, self._log)
            except DataError as error:
                self._fail(run_id, str(error), code="data")
            except Exception as error:  # the outermost edge of a background task
                logger.exception("run %s failed", run_id)
                self._fail(run_id, f"internal error: {type(error).__name__}", code="internal")
            else:
                self._repository.finish_run(run_id, report)
            self._log.forget(run_id)

    def _fail(self, run_id: str, message: str, *, code: str) -> None:
        event = core.RunErrorEvent(message=message, code=code)
        self._log.emit(RunEvent(run_id, LAST_NODE, "", 1, event, last=True))
        self._repository.fail_run(run_id, message)
