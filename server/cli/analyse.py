"""`cx detect`, `cx investigate` and `cx replay`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.exits import CommandError
from server.cli.options import AsOf, CalendarFile, Data, Json, MappingFile

if TYPE_CHECKING:
    from agents.report import InvestigationReport


def register(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.command()(detect)
    app.command()(investigate)
    app.command()(replay)


def detect(
    data: Data,
    mapping: MappingFile = None,
    grain: Annotated[str, typer.Option(help="hour or day.")] = "day",
    as_of: AsOf = None,
    history: Annotated[
        Path | None,
        typer.Option(help="JSON of an earlier `cx detect`; its incidents are kept out of the baseline."),
    ] = None,
    calendar: CalendarFile = None,
    json: Json = False,
) -> None:
    """Find incidents: metrics that left their expected range in a part of the business.

    Example: cx detect --data var/demo/data --json
    """
    from server.analysis import detect_incidents, parse_grain, read_history
    from server.cli.console import show_json, step
    from server.cli.options import analysis_settings, open_dataset
    from server.cli.tables import show_detection

    chosen, known, rules = parse_grain(grain), read_history(history), analysis_settings(calendar)
    with step(f"Reading {data}", quiet=json):
        dataset = open_dataset(data, mapping, as_of)
    with step("Looking for incidents", quiet=json):
        report = detect_incidents(dataset, grain=chosen, history=known, rules=rules)
    if json:
        show_json(report)
    else:
        show_detection(report)


def investigate(  # noqa: PLR0913  # the options of the command
    data: Data,
    mapping: MappingFile = None,
    as_of: AsOf = None,
    incident: Annotated[
        str | None, typer.Option(help="Id from `cx detect`; by default the worst incident.")
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="The incident that began last.")] = False,
    calendar: CalendarFile = None,
    json: Json = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print the run's events, one JSON document a line.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.md, report.json, plan.md and plan.json.")
    ] = None,
) -> None:
    """Find out why: test every cause, weigh the evidence, recommend, plan an experiment.

    Example: cx investigate --data var/demo/data --latest --out var/demo/report
    """
    if json and jsonl:
        raise CommandError("--json and --jsonl exclude each other")
    if incident is not None and latest:
        raise CommandError("--incident and --latest exclude each other")
    from server.analysis import investigate_dataset, latest_incident
    from server.cli.console import show_json, step
    from server.cli.options import analysis_settings, open_dataset
    from server.cli.progress import event_lines, progress_sink
    from server.confidence import confidence_model
    from server.settings import load

    settings, rules, quiet = load(), analysis_settings(calendar), json or jsonl
    confidence_model(settings)  # an unusable one is told before the data are read
    with step(f"Reading {data}", quiet=quiet):
        dataset = open_dataset(data, mapping, as_of)
    chosen = None
    if latest:
        with step("Looking for incidents", quiet=quiet):
            chosen = latest_incident(dataset, rules=rules)
    with event_lines() if jsonl else progress_sink(quiet=quiet) as sink:
        report = investigate_dataset(
            dataset, sink=sink, settings=settings, rules=rules, incident=chosen, incident_id=incident
        )
    if out is not None:
        write_report(out, report)
    if json:
        show_json(report)
    elif not jsonl:
        from server.cli.tables import show_investigation

        show_investigation(report)


def write_report(folder: Path, report: "InvestigationReport") -> None:
    """Write report.md, report.json and, where there is one, plan.md and plan.json."""
    from server.cli.files import write_text
    from server.documents import report_markdown

    write_text(folder / "report.json", report.model_dump_json(indent=2, by_alias=True) + "\n")
    write_text(folder / "report.md", report_markdown(report))
    plan = report.experiment_plan
    if plan is None:
        for name in ("plan.md", "plan.json"):
            (folder / name).unlink(missing_ok=True)
        return
    write_text(folder / "plan.md", plan.markdown)
    write_text(folder / "plan.json", plan.model_dump_json(indent=2, by_alias=True) + "\n")


def replay(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run of the service.")],
    json: Annotated[bool, typer.Option("--json", help="Print the events, one JSON document a line.")] = False,
) -> None:
    """Show again what a run of the service did, from its log.

    Example: cx replay I3f2a90-1
    """
    from server.replaying import show_replay
    from server.settings import load

    show_replay(load(), run, as_json=json)
