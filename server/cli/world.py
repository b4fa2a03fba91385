"""`cx data generate` and `cx data check`."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.exits import ExitCode
from server.cli.options import Json, MappingFile

data_app = typer.Typer(no_args_is_help=True, help="Make a simulated world, or check what a dataset holds.")


def register(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.add_typer(data_app, name="data")


@data_app.command()
def generate(
    out: Annotated[
        Path,
        typer.Option(help="Folder to make (or to make anew); the truth goes beside it, to OUT.truth.json."),
    ],
    scenario: Annotated[
        str, typer.Option(help="none, batching, courier_supply or merchant_prep.")
    ] = "batching",
    days: Annotated[int, typer.Option(help="Local days of orders.")] = 35,
    orders_per_day: Annotated[int, typer.Option(help="Expected orders a day, over all regions.")] = 12_000,
    seed: Annotated[int, typer.Option(help="Decides every draw; the same seed gives the same bytes.")] = 7,
) -> None:
    """Generate a simulated world with a known fault.

    Example: cx data generate --scenario batching --seed 7 --out var/world
    """
    from server.cli.console import show
    from server.worlds import generate_world

    written = generate_world(out, scenario=scenario, days=days, orders_per_day=orders_per_day, seed=seed)
    show(f"{written.rows['orders']:,} orders in {written.folder}", f"truth in {written.truth}")


@data_app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder (or single file) of tables.")],
    mapping: MappingFile = None,
    json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if any row breaks a rule.")] = False,
) -> None:
    """Say what is there, what is missing, what that makes untestable, and what is broken.

    Example: cx data check flights/ --mapping data/mappings/flights.yaml
    """
    from server.checking import check_dataset
    from server.cli.console import show_json, step
    from server.cli.options import open_dataset
    from server.cli.tables import show_check

    with step(f"Checking {folder}", quiet=json):
        report = check_dataset(open_dataset(folder, mapping, None))
    if json:
        show_json(report)
    else:
        show_check(report)
    if strict and not report.clean:
        raise typer.Exit(int(ExitCode.NEGATIVE))
