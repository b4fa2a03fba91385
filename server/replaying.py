"""Showing a past run again, from its log."""

import sys

from pydantic import ValidationError

from agents.report import InvestigationReport
from server.cli.console import show
from server.cli.exits import CommandError
from server.cli.tables import show_investigation
from server.database import open_database
from server.repository import Repository
from server.settings import Settings


def show_replay(settings: Settings, run_id: str, *, as_json: bool) -> None:
    """Print a run's events, then its report where it is finished.

    Raises:
        CommandError: there is no such run.
    """
    engine = open_database(settings.database_url)
    try:
        repository = Repository(engine)
        run = repository.run(run_id)
        if run is None:
            raise CommandError(f"there is no run {run_id!r} in {settings.database_url}")
        after = 0
        while records := repository.events(run_id, after=after):
            for record in records:
                after = record.seq or after
                if as_json:
                    sys.stdout.write(record.payload + "\n")
                else:
                    _show_event(after, record.payload)
        report = repository.report(run_id)
        if report is not None and not as_json:
            _show_report(report.document)
    finally:
        engine.dispose()


def _show_report(document: str) -> None:
    try:
        report = InvestigationReport.model_validate_json(document)
    except ValidationError:
        show(
            "Its report was written by an earlier version and cannot be shown; the events above are complete."
        )
        return
    show_investigation(report)


def _show_event(seq: int, payload: str) -> None:
    from server.narrate import line

    text = line(payload)
    if text is not None:
        show(f"{seq:>5}  {text}")
