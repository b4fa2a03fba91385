"""Mapping files: how foreign data become the tables of `data.contracts`.

A mapping is YAML. It names, per table, the source file, the columns that only change their name
(`columns`), the ones computed by a SQL expression over the source's columns (`derive`), and what the data
cannot say of themselves: time zones, on-time bounds, maturity ages, extra dimensions. `docs/mappings.md`
shows how to write one.
"""

import re
from collections.abc import Mapping as Dict
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from data.contracts import TABLES
from data.errors import MappingError

Family = Literal["delivery", "refund", "support", "rating"]
"""Outcomes that become known at the same age of an order."""

FAMILIES: tuple[Family, ...] = ("delivery", "refund", "support", "rating")
FILE_NAME = "mapping.yaml"
"""A folder's own mapping, used where none is given."""

CastType = Literal["integer", "number", "text", "flag", "date", "timestamp", "timestamptz"]
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED = {"hour", "day", "weekday", "orders"}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TableMapping(_Model):
    """How one table is made of source files."""

    source: tuple[str, ...]
    """File names inside the data folder; several are read one after the other and need the same columns."""
    casts: dict[str, CastType] = {}
    """Types that source columns take before the expressions see them; a value that does not fit is empty."""
    columns: dict[str, str] = {}
    """Column of the table: column of the source."""
    derive: dict[str, str] = {}
    """Column of the table: SQL expression over the source's columns (after `casts`)."""
    where: str | None = None
    """SQL condition; rows that do not fulfil it do not belong to the table, and are counted as left out."""

    @field_validator("source", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("source")
    @classmethod
    def _inside_folder(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one file")
        for name in value:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or not path.parts:
                raise ValueError(f"{name!r} must be a file name inside the data folder")
        return value

    @model_validator(mode="after")
    def _one_origin_each(self) -> "TableMapping":
        both = sorted(self.columns.keys() & self.derive.keys())
        if both:
            raise ValueError(f"column {both[0]!r} stands in columns and in derive")
        return self


class OnTime(_Model):
    """The bounds of "on time", around the promised arrival."""

    early_s: Annotated[int, Field(ge=0)] | None = 300
    """Seconds it may come early; null: early always counts as on time."""
    late_s: Annotated[int, Field(ge=0)] = 300
    """Seconds it may come late."""


class Maturity(_Model):
    """Age of an order, in hours, at which an outcome is taken as known."""

    delivery_h: Annotated[float, Field(gt=0, le=8760)] = 3.0
    refund_h: Annotated[float, Field(gt=0, le=8760)] = 24.0
    support_h: Annotated[float, Field(gt=0, le=8760)] = 24.0
    rating_h: Annotated[float, Field(gt=0, le=8760)] = 48.0

    def microseconds(self, family: Family) -> int:
        """The age of a family.

        Example:
            >>> Maturity().microseconds("delivery") // 1_000_000
            10800
        """
        hours: float = getattr(self, f"{family}_h")
        return round(hours * 3_600_000_000)


class Mapping(_Model):
    """What a dataset's tables are made of and what its columns mean."""

    name: str = "native"
    notes: tuple[str, ...] = ()
    """What a reader of the results must know about the data."""
    null_values: tuple[str, ...] = ("",)
    """Texts in CSV files that mean "empty"."""
    tables: dict[str, TableMapping] = {}
    """Tables made of foreign files; empty: files are named after the tables and have their columns."""
    naive_times: str | None = None
    """IANA zone of times written without one; null: such times are refused."""
    zones: dict[str, str] = {}
    """Region: IANA zone that decides its local day and hour."""
    default_zone: str | None = None
    """Zone of regions that `zones` does not name."""
    on_time: OnTime = OnTime()
    maturity: Maturity = Maturity()
    dimensions: dict[str, str] = {}
    """Extra slice dimension: column of the orders (with `tables`: of the orders' source)."""

    @field_validator("notes", "null_values", mode="before")
    @classmethod
    def _one_text(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("zones")
    @classmethod
    def _known_zones(cls, value: dict[str, str]) -> dict[str, str]:
        for zone in value.values():
            _check_zone(zone)
        return value

    @field_validator("default_zone", "naive_times")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            _check_zone(value)
        return value

    @field_validator("dimensions")
    @classmethod
    def _new_dimensions(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            taken = name in _RESERVED or any(c.name == name for c in TABLES["orders"].columns)
            if taken or not _NAME.fullmatch(name):
                raise ValueError(f"dimension {name!r} must be a new name in lower case (a-z, 0-9, _)")
        return value

    @model_validator(mode="after")
    def _known_tables(self) -> "Mapping":
        for name, table in self.tables.items():
            if name not in TABLES:
                raise ValueError(f"no table is called {name!r}; known: {', '.join(TABLES)}")
            known = {column.name for column in TABLES[name].columns}
            for column in (*table.columns, *table.derive):
                if column not in known:
                    raise ValueError(
                        f"table {name} has no column {column!r}; known: {', '.join(sorted(known))}"
                    )
        return self

    def zone_of(self, region: str | None) -> str:
        """The zone of a region's local time; UTC where the mapping says nothing."""
        return self.zones.get(region or "", self.default_zone or "UTC")


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} is not a time zone of the IANA list, such as 'Europe/Madrid'") from error


def parse(text: str, *, origin: str = "mapping") -> Mapping:
    """The mapping of a YAML text.

    Args:
        text: the YAML.
        origin: where it comes from, for messages.

    Raises:
        MappingError: it is not YAML, or not a mapping; says where and what was expected.

    Example:
        >>> parse("zones: {SF: America/Los_Angeles}").zone_of("SF")
        'America/Los_Angeles'
    """
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise MappingError(f"{origin}: not valid YAML: {_one_line(error)}") from error
    if value is None:
        value = {}
    if not isinstance(value, Dict):
        raise MappingError(f"{origin}: a mapping file holds keys and values, not {type(value).__name__}")
    try:
        return Mapping.model_validate(dict(value))
    except ValidationError as error:
        raise MappingError(f"{origin}: {_explain(error)}") from error


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())


def _explain(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'mapping'}: {e['msg'].removeprefix('Value error, ')}"
        for e in error.errors()
    )


def load(path: Path) -> Mapping:
    """The mapping of a YAML file.

    Raises:
        MappingError: the file is absent, unreadable or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        names = ", ".join(shipped())
        raise MappingError(f"{path}: no such mapping file; shipped in data/mappings: {names}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: cannot be read as text: {error}") from error
    return parse(text, origin=str(path))


def shipped() -> dict[str, Mapping]:
    """The mappings that come with the product, by name, sorted."""
    folder = files("data") / "mappings"
    found = sorted((p for p in folder.iterdir() if p.name.endswith(".yaml")), key=lambda p: p.name)
    return {p.name.removesuffix(".yaml"): parse(p.read_text("utf-8"), origin=p.name) for p in found}
