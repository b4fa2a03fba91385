"""Commands whose rooms are not built yet: they say so and do nothing."""

from collections.abc import Callable

import typer

from server.cli.exits import CommandError, ExitCode

LATER = {
    "risk": "Train and apply the delay-risk model.",
    "pipeline": "Push a file of events through the stream.",
    "worker": "Work through queued jobs beside the service.",
}


def register(app: typer.Typer) -> None:
    """Add them to the tree; whatever options they are given, the answer is the same."""
    for name, summary in LATER.items():
        app.command(
            name,
            help=f"{summary} (Not built yet.)",
            short_help=f"{summary} (Not built yet.)",
            context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
            rich_help_panel="Not built yet",
        )(_absent(name))


def _absent(name: str) -> Callable[[], None]:
    def command() -> None:
        raise CommandError(f"`cx {name}` is not built yet", ExitCode.UNAVAILABLE)

    return command
