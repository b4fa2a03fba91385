"""Making a simulated world on disk for the command line."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from server.cli.exits import CommandError

if TYPE_CHECKING:
    from data.world.export import Written


def generate_world(out: Path, *, scenario: str, days: int, orders_per_day: int, seed: int) -> "Written":
    """Generate a world and write it, whole or not at all.

    Raises:
        CommandError: an option is out of range, or the scenario is unknown.
        DataError: something else is at `out` already.
    """
    from data.world import World, WorldConfig
    from data.world.export import write

    try:
        config = WorldConfig(scenario=scenario, days=days, orders_per_day=orders_per_day, seed=seed)
    except ValidationError as error:
        raise CommandError(_explain(error)) from error
    try:
        return write(World(config).run(), out)
    except OSError as error:
        raise CommandError(f"cannot write {out}: {error.strerror or error}") from error


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        option = "--" + "-".join(str(part) for part in problem["loc"]).replace("_", "-")
        lines.append(f"{option} {problem['input']}: {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)
