"""The benchmark of the dispatch simulator for the command line."""

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table

from server.cli.console import show, show_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from evals.bench.dispatch import DispatchBench

SECONDS: Final = 2.0
"""That the grid may take after compilation."""


def bench_dispatch(*, replications: int, as_json: bool) -> None:
    """Measure and print."""
    from evals.bench.dispatch import run_bench

    bench = run_bench(replications=replications)
    if as_json:
        show_json(bench)
    else:
        show(*tables_of(bench))


def tables_of(bench: "DispatchBench") -> "list[RenderableType]":
    """The result as people read it: on-time share / orders a courier-hour / utilisation, couriers by threshold."""
    thresholds = sorted({cell.threshold for cell in bench.cells})
    title = f"On time / orders per courier-hour / utilisation, {bench.replications} shifts a cell"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    table.add_column("couriers", justify="right")
    for threshold in thresholds:
        table.add_column(f"up to {threshold}", justify="right")
    found = {(cell.couriers, cell.threshold): cell for cell in bench.cells}
    for couriers in sorted({cell.couriers for cell in bench.cells}):
        row = [found[couriers, threshold] for threshold in thresholds]
        texts = [f"{c.on_time:.3f} / {c.orders_per_courier_hour:.2f} / {c.utilisation:.2f}" for c in row]
        table.add_row(str(couriers), *texts)
    verdict = "meets" if bench.seconds <= SECONDS else "misses"
    speed = f"{bench.orders:,} orders in {bench.seconds:.2f} s ({verdict} {SECONDS:g} s)"
    return [table, f"{speed}; {bench.compile_seconds:.2f} s before that to load or compile the loop"]
