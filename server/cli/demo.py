"""`cx demo`: the whole job on a simulated world."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.exits import CommandError, ExitCode

if TYPE_CHECKING:
    from data.dataset import Dataset
    from server.settings import Settings
    from tools.incidents import Incident


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(demo)


def demo(
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of the simulated world.")] = 7,
    story: Annotated[
        bool, typer.Option("--story", help="One incident from its first alarm to resolved; a few minutes.")
    ] = False,
) -> None:
    """Make a simulated world, check it, detect, investigate, recommend, plan: in under a minute.

    With --story the world goes on: the experiment runs, is read as planned, and ends in a resolution, with the truth
    beside what was planned and measured.

    Example: cx demo --story
    """
    from server.settings import load

    settings = load()
    if story:
        from server.cli.story import tell

        tell(settings, seed=seed)
        return
    _generate(settings.demo_dir, seed=seed)
    dataset = _check(settings.demo_dir)
    _investigate(dataset, _detect(dataset), settings)


def _generate(folder: Path, *, seed: int) -> None:
    from server.cli.console import near, show, step
    from server.worlds import generate_world

    with step("1/4 Generating 35 days of a delivery business, with a fault in it"):
        written = generate_world(folder, scenario="batching", days=35, orders_per_day=12_000, seed=seed)
    show(
        f"{written.rows['orders']:,} orders in {near(written.folder)} (the truth lies beside it, in {written.truth.name})"
    )


def _check(folder: Path) -> "Dataset":
    from data.dataset import Dataset
    from server.checking import check_dataset
    from server.cli.console import show, step

    with step("2/4 Checking the data"):
        dataset = Dataset.open(folder)
        report = check_dataset(dataset)
    present = [table for table in report.tables if table.present]
    rows, usable = sum(t.rows for t in present), sum(t.usable for t in present)
    show(f"{len(present)} tables, {rows:,} rows, {usable:,} usable")
    return dataset


def _detect(dataset: "Dataset") -> "Incident":
    from server.analysis import detect_incidents
    from server.cli.console import step
    from server.cli.tables import show_detection

    with step("3/4 Looking for incidents in every metric, slice and hour"):
        found = detect_incidents(dataset)
    show_detection(found)
    if not found.incidents:
        raise CommandError("no incident was found in this world; another --seed may help", ExitCode.NEGATIVE)
    return found.incidents[0]


def _investigate(dataset: "Dataset", incident: "Incident", settings: "Settings") -> None:
    from rich.text import Text

    from server.analysis import investigate_dataset
    from server.cli.analyse import write_report
    from server.cli.console import near, show, step
    from server.cli.progress import progress_sink
    from server.cli.tables import show_investigation

    with step("4/4 Investigating the worst one"), progress_sink(quiet=False) as sink:
        report = investigate_dataset(dataset, sink=sink, settings=settings, incident=incident)
    out = settings.state_dir / "demo" / "report"
    write_report(out, report)
    show_investigation(report)
    show(
        Text.assemble(
            ("Experiment plan  ", "bold"), f"{near(out / 'plan.md')}\n",
            ("Whole report     ", "bold"), f"{near(out / 'report.md')}, {near(out / 'report.json')}\n",
            ("Live page        ", "bold"), "run `make serve` (or `cx serve`) and open http://127.0.0.1:8000",
        )
    )  # fmt: skip
