"""The benchmark of localising for the command line."""

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table

from server.cli.console import show, show_json, stderr
from server.evaluating import commit

if TYPE_CHECKING:
    from rich.console import RenderableType

    from evals.bench.localise import LocaliseBench

LEAD: Final = 0.10
"""F1 that the scan should have beyond both baselines."""
SECONDS: Final = 0.3
"""That it may take on 40,000 leaves."""


def bench_localise(*, repeats: int, label: str | None, as_json: bool) -> None:
    """Measure and print."""
    from evals.bench.localise import run_bench

    console = stderr()
    bench = run_bench(
        label=label or commit(),
        repeats=repeats,
        progress=lambda text: console.print(text, style="dim", markup=False),
    )
    if as_json:
        show_json(bench)
    else:
        show(*tables_of(bench))


def tables_of(bench: "LocaliseBench") -> "list[RenderableType]":
    """The result as people read it."""
    return [_scores(bench), _by_shape(bench), _speed(bench), *_remarks(bench)]


def _table(title: str, *columns: str, left: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    for position, name in enumerate(columns):
        table.add_column(name, justify="left" if position < left else "right")
    return table


def _scores(bench: "LocaliseBench") -> Table:
    table = _table(
        f"Causes found, worlds of {bench.label}",
        "noise", "method", "cases", "exact-set F1", "order Jaccard", "slices", "median s",
        left=2,
    )  # fmt: skip
    for one in bench.scores:
        table.add_row(
            one.noise,
            one.method,
            str(one.cases),
            f"{one.f1:.3f} +/- {one.f1_error:.3f}",
            f"{one.jaccard:.3f}",
            f"{one.slices:.2f}",
            f"{one.seconds:.3f}",
        )
    return table


def _by_shape(bench: "LocaliseBench") -> Table:
    table = _table(
        "The scan by shape of the faults",
        "noise",
        "dimensions",
        "causes",
        "exact-set F1",
        "order Jaccard",
        left=1,
    )
    for one in bench.detail:
        table.add_row(one.noise, str(one.n_dims), str(one.causes), f"{one.f1:.2f}", f"{one.jaccard:.2f}")
    return table


def _speed(bench: "LocaliseBench") -> Table:
    table = _table(
        "The scan on many leaves, ranges of hours included", "leaves", "causes", "median s", "worst s", left=0
    )
    for one in bench.speed:
        table.add_row(f"{one.leaves:,}", str(one.causes), f"{one.seconds:.3f}", f"{one.worst_s:.3f}")
    return table


def _remarks(bench: "LocaliseBench") -> list[str]:
    lines = []
    for noise in dict.fromkeys(one.noise for one in bench.scores):
        lead = bench.lead(noise)
        lines.append(
            f"{noise} noise: {lead:+.3f} F1 beyond the better baseline ({_word(lead >= LEAD)} {LEAD:.2f})"
        )
    worst = max(one.worst_s for one in bench.speed)
    lines.append(f"slowest scan: {worst:.3f} s ({_word(worst < SECONDS)} {SECONDS:.1f} s)")
    lines.append(f"slices named on a day without a cause: {bench.null_slices:.3f}")
    lines += [f"{name}: not installed" for name in bench.not_installed]
    return lines


def _word(met: bool) -> str:
    return "meets" if met else "misses"
