"""`cx monitor`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.exits import ExitCode
from server.cli.options import AsOf, Data, Json, MappingFile

if TYPE_CHECKING:
    from tools.monitor_report import MonitorReport

NEGATIVE = frozenset({"roll_back", "stop_for_health"})
"""Decisions that end with exit code 1."""


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(monitor)


def monitor(  # the options of the command
    plan: Annotated[
        Path, typer.Option(help="JSON of the plan, or report.json of the investigation that made it.")
    ],
    data: Data,
    assignment: Annotated[
        Path,
        typer.Option(
            help="CSV, one row an order (order_id, arm, assigned_at) or a unit (region and window_start, store_id, "
            "or user_id; arm). Arms are control and treatment."
        ),
    ],
    other: Annotated[
        list[Path] | None,
        typer.Option(help="CSV of another experiment that runs at the same time; may be given again."),
    ] = None,
    mapping: MappingFile = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Read a running experiment: health, guardrails, progress, and what to do now.

    Exits with 1 where the experiment should be stopped: rolled back, or its data are not sound.

    Example: cx monitor --plan plan.json --data var/trial --assignment var/trial.assignment.csv
    """
    from server.cli.console import show_json, step
    from server.cli.monitor_view import show_monitor
    from server.cli.options import open_dataset
    from server.monitoring import monitor_dataset, read_assignment, read_plan

    planned, rows = read_plan(plan), read_assignment(assignment)
    others = tuple(read_assignment(path, "--other") for path in other or ())
    with step(f"Reading {data}", quiet=json):
        dataset = open_dataset(data, mapping, as_of)
    with step("Reading the experiment", quiet=json):
        report = monitor_dataset(dataset, planned, rows, others=others)
    if json:
        show_json(report)
    else:
        show_monitor(report)
    if _stops(report):
        raise typer.Exit(int(ExitCode.NEGATIVE))


def _stops(report: "MonitorReport") -> bool:
    return report.decision.action in NEGATIVE
