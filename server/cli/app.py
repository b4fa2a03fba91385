"""The tree of commands."""

import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from server.cli import analyse, bench, demo, evaluate, later, monitor, plan, service, world
from server.cli.exits import guarded

_HELP = """Finds out why customers are disappointed with their orders, and shows its work.

Data go to stdout, progress to stderr. Exit codes: 0 ok, 1 negative result, 2 usage, 3 internal,
4 unusable data or settings, 5 unavailable, 130 interrupted.

Start with [bold]cx demo[/bold].
"""

app = typer.Typer(
    name="cx",
    help=_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # a Typer callback
    if wanted:
        from importlib.metadata import version

        typer.echo(version("cx-fulfillment-agent"))
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Carry the options that stand before a command."""


world.register(app)
analyse.register(app)
plan.register(app)
monitor.register(app)
demo.register(app)
service.register(app)
evaluate.register(app)
bench.register(app)
later.register(app)
_root.__doc__ = _HELP


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""

    def call() -> int:
        try:
            app(args=list(arguments) if arguments is not None else None, prog_name="cx")
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    with warnings.catch_warnings():
        if not sys.warnoptions:
            # Libraries warn developers; people get what matters to them in the results.
            warnings.simplefilter("ignore")
        return guarded(call)
