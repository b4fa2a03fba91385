"""`cx bench experiments` for the command line."""

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table

from server.cli.console import counted, show, show_json
from server.cli.exits import CommandError, ExitCode
from server.evaluating import commit

if TYPE_CHECKING:
    from evals.bench.experiments import ExperimentsReport

FALSE_POSITIVES: Final = (0.03, 0.08)
NAIVE_LEAST: Final = 0.10
"""By order, the same data must mislead at least so often; else they would be too easy to tell anything."""
POWER: Final = (0.77, 0.83)
FALSE_STOPS_MOST: Final = 0.05


def bench_experiments(*, runs: int, label: str | None, workers: int, as_json: bool) -> None:
    """Measure, print, and say which limit was not met.

    Raises:
        CommandError: a limit was not met.
    """
    from evals.bench.experiments import measure

    name = label or commit()
    report = counted("Worlds", lambda progress: measure(name, runs=runs, workers=workers, progress=progress))
    if as_json:
        show_json(report)
    else:
        show(_table(report))
    if missed := misses(report):
        raise CommandError("; ".join(missed), ExitCode.NEGATIVE)


def misses(report: "ExperimentsReport") -> list[str]:
    """Limits that were not met."""
    return [
        f"{name}: {share:.3f} is outside of {wanted}"
        for name, share, _, wanted, met in _rows(report)
        if not met
    ]


_Row = tuple[str, float, int, str, bool]
"""What, share, of how many, wanted, and whether it is met."""


def _rows(report: "ExperimentsReport") -> list[_Row]:
    false, naive = report.false_positive_share, report.naive_false_positive_share
    power, stops = report.power_share, report.false_stop_at_margin_share
    return [
        (
            "effect seen where there is none, by window",
            false,
            report.runs,
            f"{FALSE_POSITIVES[0]:.2f} to {FALSE_POSITIVES[1]:.2f}",
            FALSE_POSITIVES[0] <= false <= FALSE_POSITIVES[1],
        ),
        (
            "the same, by drawing the arms again",
            report.randomisation_false_positive_share,
            report.runs,
            f"at most {FALSE_POSITIVES[1]:.2f}",
            report.randomisation_false_positive_share <= FALSE_POSITIVES[1],
        ),
        (
            "the same, by order as if independent",
            naive,
            report.runs,
            f"{NAIVE_LEAST:.2f} or more",
            naive >= NAIVE_LEAST,
        ),
        (
            "designed effect found at the computed size",
            power,
            report.designed_runs,
            f"{POWER[0]:.2f} to {POWER[1]:.2f}",
            POWER[0] <= power <= POWER[1],
        ),
        (
            "stopped by a guardrail without harm",
            report.false_stop_share,
            report.guarded_runs,
            f"at most {FALSE_STOPS_MOST:.2f}",
            report.false_stop_share <= FALSE_STOPS_MOST,
        ),
        (
            "stopped with all harm exactly at its margin",
            stops,
            report.guarded_runs,
            f"at most {FALSE_STOPS_MOST:.2f}",
            stops <= FALSE_STOPS_MOST,
        ),
    ]


def _table(report: "ExperimentsReport") -> Table:
    title = f"Simulated experiments in {len(report.cases)} worlds of {report.label}"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for column in ("", "share", "of runs", "wanted", ""):
        table.add_column(column, justify="left" if column in ("", "wanted") else "right")
    for name, share, count, wanted, met in _rows(report):
        table.add_row(name, f"{share:.3f}", f"{count:,}", wanted, "met" if met else "missed")
    return table
