"""Benchmarks for the command line."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from server.cli.console import show, show_json, stderr
from server.cli.exits import CommandError, ExitCode

if TYPE_CHECKING:
    from evals.bench.dataset import Size
    from evals.bench.scale import ScaleReport, SizeResult

_UNITS = {"": 1, "k": 1_000, "M": 1_000_000}


def bench_scale(*, orders: str, out: Path | None, as_json: bool) -> None:
    """Measure the sizes and print what was found.

    Raises:
        CommandError: a size is malformed, or a limit was not met.
    """
    sizes = parse_sizes(orders)
    from evals.bench.scale import measure

    console = stderr()
    report = measure(sizes, folder=out, tell=lambda text: console.print(text, style="dim", markup=False))
    if as_json:
        show_json(report)
    else:
        _show(report)
    if report.misses:
        raise CommandError("; ".join(report.misses), ExitCode.NEGATIVE)


def parse_sizes(text: str) -> "list[Size]":
    """Sizes such as `100k,1M`, smallest first.

    Raises:
        CommandError: not a size, or fewer orders than there are days.
    """
    from evals.bench.dataset import DAYS, Size

    found = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)([kM]?)", part.strip())
        number = int(match.group(1)) * _UNITS[match.group(2)] if match else 0
        if number < DAYS:
            raise CommandError(
                f"--orders {part.strip()!r}: write a number of at least {DAYS}, such as 100k or 10M"
            )
        found.append(Size(number))
    return sorted(found, key=lambda size: size.orders)


def _show(report: "ScaleReport") -> None:
    show(*(_size_table(size) for size in report.sizes))
    growth = ", ".join(f"{step:.2f}" for step in report.growth)
    if growth:
        show(f"time per order against the size before: {growth}")


def _size_table(size: "SizeResult") -> Table:
    title = f"{size.label} orders: {size.rows:,} rows in 7 tables, {size.megabytes:,.0f} MB of Parquet, {size.cells:,} cells"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for name in ("step", "seconds", "processor s", "orders/s"):
        table.add_column(name, justify="left" if name == "step" else "right")
    for step in size.steps:
        table.add_row(step.name, f"{step.wall_s:.2f}", f"{step.cpu_s:.2f}", f"{step.rows_per_s:,.0f}")
    table.add_section()
    table.add_row("Parquet to ranked slices", f"{size.total_s:.2f}", "", f"{size.orders / size.total_s:,.0f}")
    table.add_row("against the hand-written SQL", f"{size.ratio:.2f} x", "", "")
    table.add_row("one new day", f"{size.new_day_s:.2f}", "", "")
    table.add_row("peak memory", f"{size.peak_mb:,.0f} MB", "", f"SQL: {size.sql_peak_mb:,.0f} MB")
    return table
