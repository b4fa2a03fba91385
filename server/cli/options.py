"""Options that several commands share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.exits import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.dataset import Dataset
    from data.mapping import Mapping
    from data.slices import Slice
    from tools.settings import AnalysisSettings

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        help="Folder (or single file) of Parquet or CSV tables, or `engine:` for those of CX_ENGINE_URL.",
    ),
]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="YAML file that maps foreign tables to ours.")
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Use only what was known then, such as 2026-02-08T12:00Z; by default all."),
]
CalendarFile = Annotated[
    Path | None,
    typer.Option(
        "--calendar", help="YAML file of planned events: holidays, promotions; overrides CX_CALENDAR."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


def parse_time(text: str | None) -> datetime | None:
    """An aware time in UTC.

    Raises:
        CommandError: not a time, or a time without a zone.

    Example:
        >>> parse_time("2026-02-08T12:00+01:00")
        datetime.datetime(2026, 2, 8, 11, 0, tzinfo=datetime.timezone.utc)
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--as-of {text!r} is not a time; write it as 2026-02-08T12:00Z") from error
    if moment.tzinfo is None:
        raise CommandError(f"--as-of {text!r} has no zone; append Z for UTC, or an offset such as -05:00")
    return moment.astimezone(UTC)


def parse_slice(text: str) -> "Slice":
    """A slice as people type it.

    Raises:
        CommandError: a part is not `name=value`, the hours are not `from-to`, or a name comes twice.

    Example:
        >>> str(parse_slice("region=SF category=grocery hour=18-20"))
        'category=grocery, region=SF, 18-20h'
    """
    from pydantic import ValidationError

    from data.slices import Slice

    values = parse_settings(text.replace(",", " ").split(), option="--scope")
    hours = values.pop("hour", None)
    try:
        hour = None if hours is None else dict(zip(("from", "to"), map(int, hours.split("-")), strict=True))
        return Slice.model_validate({"values": tuple(values.items()), "hour": hour})
    except (ValueError, ValidationError) as error:
        raise CommandError(
            f"--scope {text!r}: hour={hours} is not a range of hours; write it as hour=18-20, from 0 to 24"
        ) from error


def parse_settings(parts: "Iterable[str]", *, option: str) -> dict[str, str]:
    """`name=value` parts as a dict.

    Raises:
        CommandError: a part is something else, or a name comes twice.

    Example:
        >>> parse_settings(["couriers_share=0.2"], option="--set")
        {'couriers_share': '0.2'}
    """
    found: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise CommandError(f"{option} {part!r} is not name=value")
        if name in found:
            raise CommandError(f"{option} names {name!r} twice")
        found[name] = value
    return found


def load_mapping(path: Path | None) -> "Mapping | None":
    """The mapping in a file.

    Raises:
        MappingError: it is missing or malformed.
    """
    if path is None:
        return None
    from data import mapping

    return mapping.load(path)


def analysis_settings(calendar: Path | None) -> "AnalysisSettings":
    """The settings of the analysis, with the planned events of a file, or of the one that the settings name.

    Raises:
        DataError: the file is missing or malformed.
        ConfigurationError: a setting is malformed.
    """
    from data.calendar import load
    from server.settings import load as load_settings
    from tools.settings import AnalysisSettings

    path = calendar or load_settings().calendar
    return AnalysisSettings(calendar=() if path is None else load(path))


def open_dataset(data: Path, mapping: Path | None, as_of: str | None) -> "Dataset":
    """The dataset in a folder, as known at a time.

    Raises:
        CommandError: `as_of` is malformed.
        DataError: the data cannot be used.
    """
    moment = parse_time(as_of)
    from server.datasets import open_data
    from server.settings import load

    return open_data(load(), data, mapping=load_mapping(mapping), as_of=moment)
