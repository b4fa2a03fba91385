"""`cx bench rca` for the command line."""

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from server.cli.console import show, show_json, stderr
from server.cli.exits import CommandError, ExitCode
from server.scale_bench import parse_sizes

if TYPE_CHECKING:
    from evals.bench.rca import RcaReport, RcaRun


def bench_rca(*, orders: str, replicates: int, as_json: bool) -> None:
    """Measure, print, and say which limit was not met.

    Raises:
        CommandError: the size is malformed or too small, or a limit was not met.
    """
    sizes = parse_sizes(orders)
    if len(sizes) > 1:
        raise CommandError(f"--orders {orders!r}: give one size, such as 1M")
    from evals.bench.rca import NothingFoundError, measure

    console = stderr()
    try:
        report = measure(
            sizes[0].orders,
            replicates=replicates,
            tell=lambda text: console.print(text, style="dim", markup=False),
        )
    except NothingFoundError as error:
        raise CommandError(f"--orders {orders}: {error}") from error
    if as_json:
        show_json(report)
    else:
        show(*(_table(run) for run in report.runs), summary(report))
    if report.misses:
        raise CommandError("; ".join(report.misses), ExitCode.NEGATIVE)


def summary(report: "RcaReport") -> str:
    """What was measured around the analyses."""
    return (
        f"{report.orders:,} orders, {report.processors} processors. Cold start: {report.imports_s:.1f} s of imports, "
        f"then {report.first_s:.1f} s for the first analysis, without intervals. Before it: {report.open_s:.1f} s "
        f"to read and check the tables, {report.detect_s:.1f} s to detect. Peak memory: {report.peak_mb:,.0f} MB."
    )


def _table(run: "RcaRun") -> Table:
    intervals = f"intervals from {run.replicates} replicates" if run.replicates else "no intervals"
    title = f"{run.incident or 'all orders'}: {run.compared_orders:,} orders, {intervals}"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for name in ("step", "calls", "seconds", "processor s", "share"):
        table.add_column(name, justify="left" if name == "step" else "right")
    for part in run.parts:
        table.add_row(
            part.name, str(part.calls), f"{part.seconds:.3f}", f"{part.processor_s:.3f}", f"{part.share:.1%}"
        )
    table.add_section()
    table.add_row("root-cause analysis", "", f"{run.seconds:.2f}", f"{run.processor_s:.2f}", "")
    table.add_row("queries of the tables", str(run.queries), "", "", "")
    return table
