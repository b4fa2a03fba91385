"""`cx bench`: speed and memory, measured on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import Json

bench_app = typer.Typer(no_args_is_help=True, help="Measure the product on this machine.")


def register(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.add_typer(bench_app, name="bench")


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
    from server.benching import bench_scale

    bench_scale(orders=orders, out=out, as_json=json)
