"""`cx eval` and `cx calibrate`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import Json

Label = Annotated[str | None, typer.Option(help="What the seeds are derived from; by default the commit.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes.")]


class FaultName(StrEnum):
    """A fault that `cx eval effects` knows the truth of."""

    BATCHING = "batching"
    COURIER_SUPPLY = "courier_supply"
    MERCHANT_PREP = "merchant_prep"


eval_app = typer.Typer(no_args_is_help=True, help="Measure the product on worlds whose truth is known.")


def register(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.add_typer(eval_app, name="eval")
    app.command()(calibrate)


@eval_app.command()
def worlds(
    faults: Annotated[int, typer.Option(min=0, help="Worlds with a fault.")] = 40,
    nulls: Annotated[int, typer.Option(min=0, help="Worlds without one.")] = 40,
    label: Label = None,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Run seeded worlds through detection and investigation, and score what was said.

    Example: cx eval worlds --faults 4 --nulls 4
    """
    from server.evaluating import evaluate_worlds

    evaluate_worlds(faults=faults, nulls=nulls, label=label, workers=workers, as_json=json)


@eval_app.command()
def rca(
    incidents: Annotated[int, typer.Option(min=20, help="Simulated incidents to judge.")] = 500,
    label: Label = None,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Judge causes on held-out incidents: how often right, how well calibrated, how honest without the cause's table.

    Example: cx eval rca --incidents 60
    """
    from server.evaluating import evaluate_rca

    evaluate_rca(incidents=incidents, label=label, workers=workers, as_json=json)


@eval_app.command()
def effects(
    worlds: Annotated[int, typer.Option(min=1, help="Simulated worlds, one fault in each.")] = 20,
    scenario: Annotated[FaultName, typer.Option(help="The fault in all of them.")] = FaultName.BATCHING,
    label: Label = None,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Hold the effects that tools state, and their intervals, against the same worlds without the fault.

    Example: cx eval effects --worlds 4
    """
    from server.evaluating import evaluate_effects

    evaluate_effects(worlds=worlds, scenario=scenario.value, label=label, workers=workers, as_json=json)


def calibrate(
    incidents: Annotated[int, typer.Option(min=1, help="Simulated incidents to learn from.")] = 320,
    workers: Workers = 2,
    out: Annotated[
        Path | None, typer.Option(help="Where the model goes; by default in place of ours.")
    ] = None,
    json: Json = False,
) -> None:
    """Train the confidence model on worlds of its own seeds, and write it in place of the committed one.

    Example: cx calibrate --incidents 320
    """
    from server.evaluating import calibrate_model
    from tools.confidence.model import PATH

    calibrate_model(incidents=incidents, workers=workers, out=out or PATH, as_json=json)
