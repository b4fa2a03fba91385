"""`cx eval`, `cx calibrate` and `cx cause`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from server.cli.exits import CommandError
from server.cli.options import Json

INCIDENTS = 900
"""As for the committed model; some twenty minutes on two processors."""
WORKERS = 2
Label = Annotated[str | None, typer.Option(help="What the seeds are derived from; by default the commit.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes.")]


class RcaSplit(StrEnum):
    """Where the incidents come from."""

    held_out = "held_out"
    parametric = "parametric"
    structural = "structural"
    withheld = "withheld"
    published = "published"


class FaultName(StrEnum):
    """A fault whose true effect, and whose remedy's, is known."""

    BATCHING = "batching"
    COURIER_SUPPLY = "courier_supply"
    MERCHANT_PREP = "merchant_prep"


eval_app = typer.Typer(no_args_is_help=True, help="Measure the product on worlds whose truth is known.")


def register(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.add_typer(eval_app, name="eval")
    app.command()(calibrate)
    app.command()(cause)


@eval_app.command()
def worlds(
    faults: Annotated[int, typer.Option(min=0, help="Worlds with a fault.")] = 40,
    nulls: Annotated[int, typer.Option(min=0, help="Worlds without one.")] = 40,
    label: Label = None,
    workers: Workers = WORKERS,
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
    data: Annotated[
        Path | None, typer.Option(help="Of the split published: the folder of the published data.")
    ] = None,
    label: Label = None,
    workers: Workers = WORKERS,
    json: Json = False,
) -> None:
    """Judge causes on incidents that nothing was trained on: how often right, how well calibrated, how honest.

    Splits: held_out is made as training was; parametric has noise and sizes outside of its ranges; structural has
    mechanisms of another form; withheld asks each fault with and without the tables of its cause; published
    puts faults into data that nobody simulated (docs/causes.md says which and where they are read).

    Example: cx eval rca --incidents 60 --split structural
    """
    from server.evaluating import evaluate_rca

    evaluate_rca(
        incidents=incidents, split=split.value, folder=data, label=label, workers=workers, as_json=json
    )


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


@eval_app.command()
def whatif(
    incidents: Annotated[int, typer.Option(min=1, help="Simulated incidents; faults go in turn.")] = 100,
    label: Label = None,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Hold what a recommendation promises, and the choice itself, against the same world under the action.

    Example: cx eval whatif --incidents 12
    """
    from server.evaluating import evaluate_whatif

    evaluate_whatif(incidents=incidents, label=label, workers=workers, as_json=json)


@eval_app.command()
def dispatch(
    worlds: Annotated[int, typer.Option(min=1, help="Simulated worlds, one fault in each.")] = 10,
    scenario: Annotated[FaultName, typer.Option(help="The fault in all of them.")] = FaultName.BATCHING,
    label: Label = None,
    workers: Workers = 2,
    json: Json = False,
) -> None:
    """Hold the dispatch simulator against the world: its replays, and the effect of the fault's remedy.

    Example: cx eval dispatch --worlds 4 --scenario courier_supply
    """
    from server.evaluating_dispatch import evaluate_dispatch

    evaluate_dispatch(worlds=worlds, scenario=scenario.value, label=label, workers=workers, as_json=json)


def calibrate(
    incidents: Annotated[
        int | None, typer.Option(min=1, help=f"Simulated incidents to learn from; by default {INCIDENTS}.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help=f"Processes; by default {WORKERS}.")] = None,
    from_history: Annotated[
        bool, typer.Option("--from-history", help="Learn from your own resolved incidents instead.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where the model goes; by default in place of ours, with --from-history a file must be named."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Train the confidence model: on simulated worlds, or anew on the incidents whose cause you stated.

    With --from-history, learning sets out from the model in use; the result is written only where it judges
    incidents that it did not see better. CX_CONFIDENCE_MODEL makes it judge.

    Example: cx calibrate --incidents 900

    Example: cx calibrate --from-history --out var/confidence.json
    """
    if from_history:
        if incidents is not None or workers is not None:
            raise CommandError("--incidents and --workers are for simulated worlds, not for --from-history")
        if out is None:
            raise CommandError("--from-history needs --out FILE: the committed model is never replaced by it")
        from server.retraining import retrain_model
        from server.settings import load

        retrain_model(load(), out=out, as_json=json)
        return
    from server.evaluating import calibrate_model
    from tools.confidence.model import PATH

    calibrate_model(
        incidents=incidents or INCIDENTS, workers=workers or WORKERS, out=out or PATH, as_json=json
    )


def cause(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Id of an incident of the service.")],
    cause: Annotated[
        str, typer.Argument(metavar="CAUSE", help="A hypothesis (docs/hypotheses.md), `none` or `other`.")
    ],
    reason: Annotated[str, typer.Option(help="How it is known; kept in the incident's history.")] = "",
) -> None:
    """State the cause that you found of a resolved incident, for `cx calibrate --from-history`.

    Example: cx cause I3f2a90 courier_supply --reason "the strike of 3 February"
    """
    from server.settings import load
    from server.stating import state_cause

    state_cause(load(), incident, cause, reason=reason)
