"""`cx eval` and `cx calibrate`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import Json

Label = Annotated[str | None, typer.Option(help="What the seeds are derived from; by default the commit.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes.")]


class RcaSplit(StrEnum):
    """Where the incidents come from."""

    held_out = "held_out"
    parametric = "parametric"
    structural = "structural"
    withheld = "withheld"


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
    incidents: Annotated[
        int,
        typer.Option(min=20, help="Incidents to judge; of the split withheld, those without their table."),
    ] = 500,
    split: Annotated[
        RcaSplit, typer.Option(help="How far the incidents are from those of training.")
    ] = RcaSplit.held_out,
    label: Label = None,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Judge causes on incidents that nothing was trained on: how often right, how well calibrated, how honest.

    Splits: held_out is made as training was; parametric has noise and sizes outside of its ranges; structural has
    mechanisms of another form; withheld asks each fault with and without the tables of its cause.

    Example: cx eval rca --incidents 60 --split structural
    """
    from server.evaluating import evaluate_rca

    evaluate_rca(incidents=incidents, split=split.value, label=label, workers=workers, as_json=json)


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
