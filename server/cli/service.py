"""`cx serve` and `cx doctor`."""

import socket
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.exits import CommandError, ExitCode

GRACE_S = 8
"""Longer than the grace that open event streams get."""


def register(app: typer.Typer) -> None:
    """Add the commands to the tree."""
    app.command()(serve)
    app.command()(doctor)


def serve(
    data: Annotated[Path | None, typer.Option(help="Folder of tables; overrides CX_DATA.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="Its mapping file; overrides CX_MAPPING.")] = None,
    host: Annotated[str | None, typer.Option(help="Address; overrides CX_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port, 0 for a free one; overrides CX_PORT.")] = None,
) -> None:
    """Serve the API and the page that follows investigations live.

    Example: cx serve --data var/demo/data
    """
    given = {"data": data, "mapping": mapping, "host": host, "port": port}
    from server.settings import load

    settings = load(**{name: value for name, value in given.items() if value is not None})
    from server.confidence import confidence_model

    confidence_model(settings)  # an unusable one is told here, not by the first investigation
    sock = _listen(settings.host, settings.port)

    import uvicorn

    from server.app import create_app
    from server.cli.console import stderr

    address = sock.getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    stderr().print(
        f"Serving {settings.dataset_dir} on http://{shown}:{address[1]} (Ctrl-C ends)", markup=False
    )
    config = uvicorn.Config(
        create_app(settings), log_level="warning", timeout_graceful_shutdown=GRACE_S, lifespan="on"
    )
    uvicorn.Server(config).run(sockets=[sock])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(
            f"cannot listen on {host}:{port}: {reason}; choose another --port", ExitCode.UNAVAILABLE
        ) from error
    return sock


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Check this installation: versions, settings, folders, database, data, model endpoint.

    Example: cx doctor
    """
    from server.cli.console import show_json
    from server.doctor import examine
    from server.settings import load

    examination = examine(load())
    if json:
        show_json(examination)
    else:
        _show(examination)
    if not examination.healthy:
        raise typer.Exit(int(ExitCode.NEGATIVE))


def _show(examination: Any) -> None:  # noqa: ANN401  # imported only where it is needed
    from rich.table import Table
    from rich.text import Text

    from server.cli.console import show

    style = {"ok": "green", "absent": "yellow", "broken": "bold red"}
    table = Table.grid(padding=(0, 2))
    for item in examination.checks:
        table.add_row(Text(item.state, style=style[item.state]), item.name, Text(item.detail))
    show(table)
