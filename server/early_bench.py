"""`cx bench early` for the command line."""

from typing import TYPE_CHECKING, Final

from rich import box
from rich.progress import Progress
from rich.table import Table

from server.cli.console import show, show_json, stderr
from server.cli.exits import CommandError, ExitCode
from server.evaluating import commit

if TYPE_CHECKING:
    from evals.bench.early import EarlyReport

MOST_WAIT_HOURS: Final = 2.0
EXACT_SHARE: Final = 0.90
ONSET_SHARE: Final = 0.80
OTHERS_SHARE: Final = 0.05


def bench_early(*, worlds: int, label: str | None, workers: int, as_json: bool) -> None:
    """Measure, print, and say which limit was not met.

    Raises:
        CommandError: a limit was not met.
    """
    from evals.bench.early import measure

    with Progress(console=stderr(), transient=True) as bar:
        task = bar.add_task("Worlds", total=worlds)
        report = measure(
            label or commit(),
            worlds=worlds,
            workers=workers,
            progress=lambda done, _of: bar.update(task, completed=done),
        )
    if as_json:
        show_json(report)
    else:
        show(_table(report), _summary(report))
    if missed := misses(report):
        raise CommandError("; ".join(missed), ExitCode.NEGATIVE)


def misses(report: "EarlyReport") -> list[str]:
    """Limits that were not met."""
    count, found = len(report.cases), []
    if report.median_wait_hours is None or report.median_wait_hours > MOST_WAIT_HOURS:
        found.append(f"found more than {MOST_WAIT_HOURS:g} slice hours after the first powerful one")
    if report.exact < EXACT_SHARE * count:
        found.append(f"{report.exact} of {count} slices were exact")
    if report.onset_right < ONSET_SHARE * count:
        found.append(f"{report.onset_right} of {count} onsets were right")
    if report.others > max(OTHERS_SHARE * count, 1):
        found.append(f"{report.others} other incidents")
    return found


def _table(report: "EarlyReport") -> Table:
    title = f"The demo's fault in worlds of {report.label}, in hours of slice traffic since its onset"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for column in ("world", "power of .80 after", "found after", "slice exact", "onset off", "others"):
        table.add_column(column, justify="right")
    for number, case in enumerate(report.cases):
        table.add_row(
            str(number),
            "-" if case.powerful_hour is None else str(case.powerful_hour),
            "never" if case.found_hour is None else str(case.found_hour),
            "yes" if case.slice_exact else "no",
            "-" if case.onset_off_h is None else f"{case.onset_off_h:+.0f} h",
            str(case.others),
        )
    return table


def _summary(report: "EarlyReport") -> str:
    count = len(report.cases)
    wait = "never" if report.median_wait_hours is None else f"{report.median_wait_hours:g} hours"
    return (
        f"Median wait after the first powerful hour: {wait}. Exact slice: {report.exact} of {count}. "
        f"Onset within one hour: {report.onset_right} of {count}. Other incidents: {report.others}."
    )
