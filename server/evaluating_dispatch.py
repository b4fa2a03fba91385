"""The dispatch simulator held against worlds, for the command line."""

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from server.cli.console import counted, show, show_json
from server.evaluating import commit

if TYPE_CHECKING:
    from evals.effects import Scenario
    from evals.simulated_effects import SimulatedReport


def evaluate_dispatch(
    *, worlds: int, scenario: "Scenario", label: str | None, workers: int, as_json: bool
) -> None:
    """Judge the simulator and print the report."""
    from evals.simulated_effects import measure

    name = label or commit()
    report = counted(
        "Simulating worlds",
        lambda progress: measure(name, scenario=scenario, worlds=worlds, workers=workers, progress=progress),
    )
    if as_json:
        show_json(report)
    else:
        show(table_of(report))


def table_of(report: "SimulatedReport") -> Table:
    """The result as people read it."""
    title = f"The dispatch simulator on {report.scenario}, worlds of {report.label}"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, share in (
        ("weeks before within the bands", report.before_in_band),
        ("incident within 3 points on time", report.incident_in_band),
        ("usable", report.usable),
        ("of these, truth inside of the 95 % interval", report.covered),
    ):
        table.add_row(name, str(share))
    for name, value in (
        ("true effect of the remedy on the on-time share, points", report.truth_pp),
        ("mean error, points", report.bias_pp),
        ("mean absolute error, points", report.error_pp),
        ("half-width of the interval, points", report.half_width_pp),
    ):
        table.add_row(name, "-" if value is None else f"{value:+.1f}")
    return table
