"""`cx bench`: how fast and how exact the product is, measured here and now."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import Json

bench_app = typer.Typer(no_args_is_help=True, help="Measure speed and exactness on simulated data.")

Label = Annotated[str | None, typer.Option(help="What the seeds are derived from; by default the commit.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.add_typer(bench_app, name="bench")


@bench_app.command()
def detect(
    weeks: Annotated[int, typer.Option(min=1, help="Weeks without a fault.")] = 200,
    plants: Annotated[int, typer.Option(min=1, help="Drops of known size to plant.")] = 200,
    label: Label = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    json: Json = False,
) -> None:
    """How often detection is wrong, and how early and exact it is right.

    Example: cx bench detect --weeks 9 --plants 12
    """
    from server.detect_bench import bench_detect

    bench_detect(weeks=weeks, plants=plants, label=label, workers=workers, as_json=json)


@bench_app.command()
def localise(
    repeats: Annotated[
        int, typer.Option(min=1, help="Cases of each number of dimensions and causes, at each noise level.")
    ] = 12,
    label: Label = None,
    json: Json = False,
) -> None:
    """Find planted causes by our scan and by two plain baselines: exactness, overlap and time.

    Example: cx bench localise --repeats 4
    """
    from server.localise_bench import bench_localise

    bench_localise(repeats=repeats, label=label, as_json=json)


@bench_app.command()
def scale(
    orders: Annotated[str, typer.Option(help="Sizes, smallest first, such as 100k,1M,10M.")] = "100k,1M,10M",
    out: Annotated[
        Path | None,
        typer.Option(help="Where the datasets go and stay for the next run; by default nowhere."),
    ] = None,
    json: Json = False,
) -> None:
    """Time and memory from Parquet to ranked slices, against a query written by hand over the same tables.

    Example: cx bench scale --orders 100k,1M
    """
    from server.scale_bench import bench_scale

    bench_scale(orders=orders, out=out, as_json=json)


@bench_app.command()
def early(
    worlds: Annotated[int, typer.Option(min=1, help="Fresh worlds with the demo's fault.")] = 20,
    label: Label = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    json: Json = False,
) -> None:
    """How many hours of traffic the demo's fault takes to be found, and how exactly it is named.

    Example: cx bench early --worlds 4
    """
    from server.early_bench import bench_early

    bench_early(worlds=worlds, label=label, workers=workers, as_json=json)


@bench_app.command()
def rca(
    orders: Annotated[str, typer.Option(help="Orders of the simulated world, such as 200k or 1M.")] = "1M",
    replicates: Annotated[
        int, typer.Option(min=2, max=1_000, help="Resamples behind the intervals of the runs that have any.")
    ] = 100,
    json: Json = False,
) -> None:
    """How long a full root-cause analysis takes, where the time goes, and how much memory it needs.

    Example: cx bench rca --orders 200k
    """
    from server.rca_bench import bench_rca

    bench_rca(orders=orders, replicates=replicates, as_json=json)


@bench_app.command()
def experiments(
    runs: Annotated[
        int,
        typer.Option(min=8, help="Switchbacks without an effect; 2.5 times as many with the designed one."),
    ] = 400,
    label: Label = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    json: Json = False,
) -> None:
    """How often experiments see what is not there, find what they were sized for, and stop without need.

    Example: cx bench experiments --runs 40
    """
    from server.experiments_bench import bench_experiments

    bench_experiments(runs=runs, label=label, workers=workers, as_json=json)


@bench_app.command()
def dispatch(
    replications: Annotated[int, typer.Option(min=1, max=10_000, help="Shifts of every policy cell.")] = 300,
    json: Json = False,
) -> None:
    """Play 24 policies of couriers and batch size, and say how long that takes.

    Example: cx bench dispatch --replications 50
    """
    from server.dispatch_bench import bench_dispatch

    bench_dispatch(replications=replications, as_json=json)
