"""`cx plan`."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.exits import CommandError
from server.cli.options import AsOf, CalendarFile, Data, Json, MappingFile


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command()(plan)


def plan(  # noqa: PLR0913  # the options of the command
    data: Data,
    action: Annotated[str, typer.Option(help="Id of an action, as in docs/actions.md.")],
    mapping: MappingFile = None,
    as_of: AsOf = None,
    incident: Annotated[
        str | None, typer.Option(help="Id from `cx detect`; by default the worst incident.")
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="The incident that began last.")] = False,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter of the action: name=value; repeatable.")
    ] = None,
    scope: Annotated[
        str | None,
        typer.Option(
            help="Another slice than the incident's, such as 'region=SF category=grocery hour=18-20'."
        ),
    ] = None,
    mde: Annotated[
        float | None,
        typer.Option(
            help="Smallest effect worth seeing, percentage points; by default half of the expected one."
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Length, 7 at least; by default what the effect needs, in whole weeks.")
    ] = None,
    calendar: CalendarFile = None,
    json: Json = False,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write: JSON (for `cx monitor`) where it ends in .json, else Markdown."),
    ] = None,
) -> None:
    """Design an experiment for an action of your own on an incident, sized from its own history.

    Example: cx plan --data var/demo/data --action add_courier_supply --set couriers_share=0.2 --out plan.md
    """
    if incident is not None and latest:
        raise CommandError("--incident and --latest exclude each other")
    from server.cli.console import show_json, step
    from server.cli.options import analysis_settings, open_dataset, parse_settings, parse_slice
    from server.planning import find_incident, parse_choice, parse_size, plan_own_action

    # Everything that can be wrong without the data is said before they are read.
    choice = parse_choice(action, parse_settings(setting or (), option="--set"))
    asked, where, rules = parse_size(mde, days), scope and parse_slice(scope), analysis_settings(calendar)
    with step(f"Reading {data}", quiet=json):
        dataset = open_dataset(data, mapping, as_of)
    with step("Looking for incidents", quiet=json):
        chosen = find_incident(dataset, rules=rules, id=incident, latest=latest)
    with step(f"Planning on {chosen.metric} in {chosen.slice}", quiet=json):
        found = plan_own_action(
            dataset, chosen, choice, rules=rules, scope=where or None, mde=asked, days=days
        )
    if out is not None:
        from server.cli.files import write_text

        text = found.model_dump_json(indent=2, by_alias=True) + "\n"
        write_text(out, text if out.suffix == ".json" else found.markdown)
    if json:
        show_json(found)
    else:
        from rich.markdown import Markdown

        from server.cli.console import show

        show(Markdown(found.markdown))
