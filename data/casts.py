"""Canonical values: what a source's column becomes for each type of the contract.

Canonical types are few and mean the same on every engine: text (`category`, `text`, `json`), text or int64
(`id`, as the source has it), float64 (`number`), int64 (`integer`), boolean (`flag`) and int64 microseconds
since 1970 UTC (`time`).
"""

from typing import NamedTuple

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from data.contracts import ColumnType
from data.engines import Engine

_ZONED = r"(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
_UTC = dt.Timestamp(timezone="UTC")


class Cast(NamedTuple):
    """A column's canonical value, and the rows in which it could not be had."""

    value: ir.Column
    failed: ir.BooleanValue | None = None
    """The source holds something that is not of this type."""
    naive: ir.BooleanValue | None = None
    """The source holds a time without a zone, and the mapping gives none."""


def canonical(engine: Engine, column: ir.Column, to: ColumnType, *, naive_zone: str | None) -> Cast:
    """The canonical form of a source's column.

    Args:
        engine: the engine that holds the column.
        column: as the source has it.
        to: its type in the contract.
        naive_zone: zone of times that are written without one; None where that is unknown.
    """
    if column.type().is_null():
        column = column.cast("string")
    match to:
        case "number":
            return _number(engine, column)
        case "integer":
            return _integer(engine, column)
        case "flag":
            return _flag(engine, column)
        case "time":
            return _time(engine, column, naive_zone)
        case "id":
            return Cast(column.cast("int64") if column.type().is_integer() else _text(column))
        case "json":
            return Cast(
                _text(column) if not column.type().is_nested() else column.cast("json").cast("string")
            )
        case _:
            return Cast(_text(column))


def _text(column: ir.Column) -> ir.Column:
    kind = column.type()
    if kind.is_string():
        return column.nullif("")
    if kind.is_floating():
        # An id that a gap in the column made a float: 1845.0 is the same id as 1845.
        whole = (column == column.floor()) & (column.abs() < 2**53)
        return ibis.ifelse(whole, column.cast("int64").cast("string"), column.cast("string"))
    return column.cast("string")


def _given(column: ir.Column) -> ir.Column:
    return column.strip().nullif("")


def _number(engine: Engine, column: ir.Column) -> Cast:
    if column.type().is_string():
        text = _given(column)
        value = engine.try_cast(text, dt.float64)
        usable = ibis.ifelse(value.isnan() | value.isinf(), ibis.null("float64"), value)
        return Cast(usable, text.notnull() & usable.isnull())
    if column.type().is_floating():
        value = column.cast("float64")
        usable = ibis.ifelse(value.isnan() | value.isinf(), ibis.null("float64"), value)
        return Cast(usable, value.isinf().fill_null(False))
    if column.type().is_numeric():
        return Cast(column.cast("float64"))
    return _never(column, "float64")


def _integer(engine: Engine, column: ir.Column) -> Cast:
    if column.type().is_integer():
        return Cast(column.cast("int64"))
    number = _number(engine, column)
    whole = (number.value == number.value.floor()) & (number.value.abs() < 2**53)
    value = ibis.ifelse(whole, number.value, ibis.null("float64")).cast("int64")
    broken = number.value.notnull() & value.isnull()
    return Cast(value, broken if number.failed is None else broken | number.failed)


def _flag(engine: Engine, column: ir.Column) -> Cast:
    if column.type().is_boolean():
        return Cast(column)
    if column.type().is_string():
        text = _given(column)
        value = engine.try_cast(text.re_replace(r"\.0$", ""), dt.boolean)
        return Cast(value, text.notnull() & value.isnull())
    number = _number(engine, column)
    value = ibis.cases((number.value == 1, True), (number.value == 0, False), else_=ibis.null("boolean"))
    broken = number.value.notnull() & value.isnull()
    return Cast(value, broken if number.failed is None else broken | number.failed)


def _time(engine: Engine, column: ir.Column, naive_zone: str | None) -> Cast:
    kind = column.type()
    if kind.is_timestamp() and kind.timezone is not None:
        return Cast(engine.microseconds(column.cast(_UTC)))
    if kind.is_timestamp() or kind.is_date():
        clock = column.cast("timestamp")
        if naive_zone is None:
            return Cast(ibis.null("int64"), naive=clock.notnull())
        return Cast(engine.microseconds(engine.in_zone(naive_zone, clock)))
    if kind.is_string():
        return _written_time(engine, _given(column), naive_zone)
    return _never(column, "int64")


def _written_time(engine: Engine, text: ir.StringColumn, naive_zone: str | None) -> Cast:
    zoned = text.re_search(_ZONED) & text.contains(":")
    moment = engine.try_cast(ibis.ifelse(zoned, text, ibis.null("string")), _UTC)
    clock = engine.try_cast(ibis.ifelse(zoned, ibis.null("string"), text), dt.Timestamp())
    if naive_zone is None:
        naive = clock.notnull()
        return Cast(engine.microseconds(moment), text.notnull() & moment.isnull() & clock.isnull(), naive)
    value = engine.microseconds(moment.coalesce(engine.in_zone(naive_zone, clock)))
    return Cast(value, text.notnull() & value.isnull())


def _never(column: ir.Column, to: str) -> Cast:
    return Cast(ibis.null(to), column.notnull())
