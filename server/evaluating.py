"""Evaluation and calibration for the command line."""

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel
from rich import box
from rich.table import Table

from server.cli.console import counted, show, show_json, stderr
from server.cli.exits import CommandError, ExitCode
from server.settings import REPOSITORY

if TYPE_CHECKING:
    from evals.drawn_worlds import Split
    from evals.effects import EffectsReport, Scenario
    from evals.intervals import Share
    from evals.rca import RcaReport
    from evals.scoring import CaseResult, Scorecard
    from evals.whatif import WhatIfReport
    from tools.confidence.model import Training


class Evaluation(BaseModel):
    """The `--json` shape of `cx eval worlds`."""

    scorecard: "Scorecard"
    cases: "tuple[CaseResult, ...]"


def evaluate_worlds(*, faults: int, nulls: int, label: str | None, workers: int, as_json: bool) -> None:
    """Run the worlds and print the scorecard."""
    from evals.cases import world_cases
    from evals.scoring import CaseResult, Scorecard
    from evals.worlds import evaluate

    name = label or commit()
    cases = world_cases(name, faults=faults, nulls=nulls)
    console = stderr()

    def progress(result: "CaseResult") -> None:
        mark = "ok" if result.cause_right else "wrong"
        console.print(
            f"{result.case.name}: {mark}, {result.top_cause or 'nothing found'}, {result.seconds:.1f} s",
            style="dim",
            markup=False,
        )

    scorecard, results = evaluate(cases, label=name, workers=workers, progress=progress)
    if as_json:
        Evaluation.model_rebuild(_types_namespace={"Scorecard": Scorecard, "CaseResult": CaseResult})
        show_json(Evaluation(scorecard=scorecard, cases=results))
    else:
        show(_table(scorecard))


def _table(scorecard: "Scorecard") -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=f"Worlds of {scorecard.label}", title_justify="left")
    for name in ("what", "hits", "of", "share", "Wilson 95 %"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name in (
        "detected", "slice_right", "slice_exact", "cause_right", "confidently_wrong", "false_alarms",
    ):  # fmt: skip
        share = getattr(scorecard, name)
        table.add_row(
            name.replace("_", " "),
            str(share.hits),
            str(share.total),
            f"{share.hits / share.total:.1%}" if share.total else "-",
            f"{share.low:.1%} to {share.high:.1%}",
        )
    for name in ("median_delay_days", "mean_p_true", "brier", "seconds_per_case"):
        value = getattr(scorecard, name)
        table.add_row(name.replace("_", " "), "", "", "-" if value is None else f"{value:.3g}", "")
    return table


def evaluate_rca(
    *,
    incidents: int,
    split: "Split | Literal['published']",
    folder: Path | None,
    label: str | None,
    workers: int,
    as_json: bool,
) -> None:
    """Judge causes on incidents that nothing was trained on, with the confidence model of the settings, and print the report.

    Raises:
        CommandError: the folder is missing, or given where none is read.
        ConfigurationError: that model cannot be read.
    """
    from rich.progress import Progress

    from evals.rca import measure, measure_published
    from server.confidence import confidence_model
    from server.settings import load

    model = confidence_model(load())
    name = label or commit()
    if (folder is None) == (split == "published"):
        needed = "needs --data, a folder with the published data" if folder is None else "reads no --data"
        raise CommandError(f"--split {split} {needed}", ExitCode.USAGE)
    with Progress(console=stderr(), transient=True) as bar:
        task = bar.add_task("Making incidents", total=incidents)

        def progress(made: int, _wanted: int) -> None:
            bar.update(task, completed=made)

        if split == "published" and folder is not None:
            report = measure_published(
                name, model, folder=folder, incidents=incidents, workers=workers, progress=progress
            )
        elif split != "published":
            report = measure(
                name, model, incidents=incidents, split=split, workers=workers, progress=progress
            )
    if as_json:
        show_json(report)
    else:
        show(_causes(report), _reliability(report))


def _causes(report: "RcaReport") -> Table:
    from evals.fitting import CONFIDENT

    title = f"{report.incidents} incidents of {report.worlds} worlds, {report.split}, of {report.label}"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for name in ("kind", "of", "right", "in three", "both", "named", "abstained", "sure, wrong"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for row in report.kinds:
        if row.top_1.total:
            shares = (row.top_1, row.top_3, row.both, row.named, row.abstained, row.confidently_wrong)
            table.add_row(row.kind, str(row.top_1.total), *map(_percent, shares))
    table.add_section()
    for name, share in (("false alarms", report.false_alarms), ("sure and wrong", report.confidently_wrong)):
        table.add_row(
            name, str(share.total), _percent(share), f"at most {share.high:.1%}" if share.total else "-"
        )
    table.add_section()
    for one in report.baselines:
        table.add_row(one.method, str(one.right.total), _percent(one.right))
    table.caption = (
        "right: the right answer first; both: two true causes are the first two causes; named: a cause was called likely, "
        f"right or wrong; sure, wrong: a wrong cause with p of at least {CONFIDENT:g}; false alarms: a cause called "
        "likely where none is true. The last rows are what simpler methods get right of the faults."
    )
    return table


def _percent(share: "Share") -> str:
    return f"{share.hits / share.total:.1%}" if share.total else "-"


def _reliability(report: "RcaReport") -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Confidence of the first answer", title_justify="left")
    for name in ("answers", "said", "right"):
        table.add_column(name, justify="right")
    for row in report.reliability:
        table.add_row(str(row.answers), f"{row.confidence:.2f}", f"{row.accuracy:.2f}")
    table.caption = f"calibration error {report.expected_calibration_error:.3f}"
    return table


def evaluate_effects(
    *, worlds: int, scenario: "Scenario", label: str | None, workers: int, as_json: bool
) -> None:
    """Hold stated effects against the truth and print the report."""
    from evals.effects import measure

    name = label or commit()
    report = counted(
        "Simulating worlds",
        lambda progress: measure(name, worlds=worlds, scenario=scenario, workers=workers, progress=progress),
    )
    if as_json:
        show_json(report)
    else:
        show(_effects(report))


def _effects(report: "EffectsReport") -> Table:
    title = f"Effects of {report.scenario} in worlds of {report.label}"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for name in ("estimator", "of", "silent", "covered", "95 %", "truth", "said", "bias", "+/-"):
        table.add_column(name, justify="left" if name == "estimator" else "right")
    for row in report.rows:
        table.add_row(
            row.estimator,
            str(row.worlds),
            str(row.abstained),
            _percent(row.covered),
            f"{row.covered.low:.0%} to {row.covered.high:.0%}" if row.covered.total else "-",
            *("-" if value is None else f"{value:.1f}" for value in (row.truth_pp, row.effect_pp)),
            "-" if row.bias_share is None else f"{row.bias_share:+.1%}",
            "-" if row.half_width_pp is None else f"{row.half_width_pp:.1f}",
        )
    table.caption = (
        "covered: the truth lies inside of the 95 % interval; truth, said and +/-: means in points of late orders; "
        "bias: of the fault's whole effect; silent: the tool's own checks failed, so nothing may be concluded."
    )
    return table


def evaluate_whatif(*, incidents: int, label: str | None, workers: int, as_json: bool) -> None:
    """Hold recommended actions against the world's own run under them and print the report."""
    from evals.whatif import measure

    name = label or commit()
    report = counted(
        "Running worlds under what is recommended",
        lambda progress: measure(name, incidents=incidents, workers=workers, progress=progress),
    )
    if as_json:
        show_json(report)
    else:
        show(_whatif(report))


def _whatif(report: "WhatIfReport") -> Table:
    from evals.whatif import CLOSE

    title = f"First recommendations in worlds of {report.label}"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for name in (
        "fault",
        "of",
        "acted on",
        "two models",
        "covered",
        "95 %",
        "error",
        "by a line",
        "near the best",
    ):
        table.add_column(name, justify="left" if name == "fault" else "right")
    for row in report.rows:
        errors = (row.median_error, row.median_error_elasticity)
        table.add_row(
            row.scenario,
            str(row.incidents),
            str(row.recommended),
            str(row.simulated),
            _percent(row.covered),
            f"{row.covered.low:.0%} to {row.covered.high:.0%}" if row.covered.total else "-",
            *("-" if value is None else f"{value:.0%}" for value in errors),
            _percent(row.near_best),
            end_section=row is report.rows[-2],
        )
    table.caption = (
        "acted on: something else than keeping watch was recommended; two models: simulated as well; covered: the true change of the CX Score lies "
        "inside of the 95 % interval; error: median absolute error, of the true change, and that of a straight line "
        f"through the days; near the best: at least {CLOSE:.0%} of what the best action on the true cause gains."
    )
    return table


def commit() -> str:
    """The commit that is checked out.

    Raises:
        CommandError: this is no checkout.
    """
    command = ["git", "-C", str(REPOSITORY), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise CommandError("the commit is not known here; give --label", ExitCode.USAGE) from error


def calibrate_model(*, incidents: int, workers: int, out: Path, as_json: bool) -> None:
    """Train the confidence model and write it.

    Raises:
        CommandError: there are too few incidents to learn from, or the model cannot be written.
    """
    from rich.progress import Progress

    from evals.calibrate import calibrate

    if not out.parent.is_dir():
        raise CommandError(f"--out {out}: there is no folder {out.parent}")
    with Progress(console=stderr(), transient=True) as bar:
        task = bar.add_task("Simulating incidents", total=incidents)
        try:
            model = calibrate(
                out,
                incidents=incidents,
                workers=workers,
                progress=lambda made, _wanted: bar.update(task, completed=made),
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
    if model.training is None:
        raise AssertionError("a fitted model carries its record of training")
    if as_json:
        show_json(model.training)
    else:
        show(_training(model.training), f"written to {out}")


def _training(training: "Training") -> Table:
    title = f"Trained on {training.incidents} incidents of {training.worlds} worlds; judged out of fold"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for name in ("confidence from", "to", "answers", "said", "right"):
        table.add_column(name, justify="right")
    for row in training.reliability:
        low, high, said, right = (f"{v:.2f}" for v in (row.low, row.high, row.confidence, row.accuracy))
        table.add_row(low, high, str(row.answers), said, right)
    table.caption = (
        f"right {training.accuracy:.1%}, calibration error {training.expected_calibration_error:.3f}, "
        f"confident and wrong {training.confidently_wrong:.1%}"
    )
    return table
