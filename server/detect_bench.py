"""`cx bench detect` for the command line."""

from typing import TYPE_CHECKING

from rich import box
from rich.progress import Progress
from rich.table import Table

from server.cli.console import show, show_json, stderr
from server.cli.exits import CommandError, ExitCode
from server.evaluating import commit

if TYPE_CHECKING:
    from evals.bench.detect import BinRow, DetectReport

SIZE_BOUNDS = (0.003, 0.010)
NULL_WEEKS = 0.05
SLICES_A_DAY = 0.15
EXACT = 0.80


def bench_detect(*, weeks: int, plants: int, label: str | None, workers: int, as_json: bool) -> None:
    """Measure, print, and say which limit was not met.

    Raises:
        CommandError: a limit was not met.
    """
    from evals.bench.detect import measure

    name = label or commit()
    with Progress(console=stderr(), transient=True) as bar:
        task = bar.add_task("Worlds", total=None)
        report = measure(
            name,
            weeks=weeks,
            plants=plants,
            workers=workers,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    if as_json:
        show_json(report)
    else:
        show(_sizes(report), _nulls(report), _plants(report))
    if missed := misses(report):
        raise CommandError("; ".join(missed), ExitCode.NEGATIVE)


def misses(report: "DetectReport") -> list[str]:
    """Limits that were not met."""
    low, high = SIZE_BOUNDS
    outside = [row for row in report.sizes if not low <= row.rejected <= high]
    found = [f"{len(outside)} of {len(report.sizes)} sizes lie outside {low} to {high}"] if outside else []
    weeks = report.null_weeks
    if weeks.total and weeks.hits / weeks.total > NULL_WEEKS:
        found.append(f"{weeks.hits} of {weeks.total} null weeks had an alarm, more than {NULL_WEEKS:.0%}")
    if report.null_slices_per_day > SLICES_A_DAY:
        found.append(f"{report.null_slices_per_day:.2f} slices a null day, more than {SLICES_A_DAY}")
    exact = report.demo_size.exact
    if exact.total and exact.hits / exact.total < EXACT:
        found.append(f"{exact.hits} of {exact.total} drops of 14 points were exact, fewer than {EXACT:.0%}")
    return found


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _sizes(report: "DetectReport") -> Table:
    table = _table(
        "Rejected without a change, at z > 2.5 (nominal 0.62 %)",
        "orders", "rate", "correlation", "periods", "ours", "plain z",
    )  # fmt: skip
    for row in report.sizes:
        table.add_row(
            str(row.orders),
            f"{row.rate:.0%}",
            f"{row.rho:g}",
            str(row.periods),
            f"{row.rejected:.2%}",
            f"{row.naive:.2%}",
        )
    return table


def _nulls(report: "DetectReport") -> str:
    weeks = report.null_weeks
    share = weeks.hits / weeks.total if weeks.total else 0.0
    return (
        f"Weeks without a fault: {weeks.hits} of {weeks.total} with any alarm ({share:.1%}, "
        f"95 % interval {weeks.low:.1%} to {weeks.high:.1%}); {report.null_slices_per_day:.3f} slices a day\n"
    )


def _plants(report: "DetectReport") -> Table:
    table = _table(
        f"Planted drops of on-time delivery, three days, worlds of {report.label}",
        "size in sigma of a day", "planted", "found", "exact slice", "mean delay",
    )  # fmt: skip
    rows = [(f"{row.low:g} to {row.high:g}", row) for row in report.bins]
    demo = report.demo_size
    for name, row in [*rows, (f"14 points ({demo.low:.1f} to {demo.high:.1f})", demo)]:
        table.add_row(name, str(row.plants), _share(row, "found"), _share(row, "exact"), _delay(row))
    return table


def _share(row: "BinRow", name: str) -> str:
    share = row.found if name == "found" else row.exact
    return f"{share.hits / share.total:.0%} ({share.low:.0%} to {share.high:.0%})" if share.total else "-"


def _delay(row: "BinRow") -> str:
    return "-" if row.mean_delay_days is None else f"{row.mean_delay_days:.1f} days"
