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

_ZONED = r"(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
_UTC = dt.Timestamp(timezone="UTC")


@ibis.udf.scalar.builtin(  # type: ignore[untyped-decorator]  # Ibis has no types
    name="epoch_us", signature=((dt.Timestamp(timezone="UTC"),), dt.int64)
)
def _microseconds(moment: dt.Timestamp) -> dt.int64:
    """Microseconds since 1970 of a moment."""


@ibis.udf.scalar.builtin(  # type: ignore[untyped-decorator]  # Ibis has no types
    name="timezone", signature=((dt.string, dt.Timestamp()), _UTC)
)
def _in_zone(zone: str, clock: dt.Timestamp) -> dt.Timestamp:
    """The moment at which clocks of a zone show a time."""


class Cast(NamedTuple):
    """A column's canonical value, and the rows in which it could not be had."""

    value: ir.Column
    failed: ir.BooleanValue | None = None
    """The source holds something that is not of this type."""
    naive: ir.BooleanValue | None = None
    """The source holds a time without a zone, and the mapping gives none."""


def canonical(column: ir.Column, to: ColumnType, *, naive_zone: str | None) -> Cast:
    """The canonical form of a source's column.

    Args:
        column: as the source has it.
        to: its type in the contract.
        naive_zone: zone of times that are written without one; None where that is unknown.
    """
    if column.type().is_null():
        column = column.cast("string")
    match to:
        case "number":
            return _number(column)
        case "integer":
            return _integer(column)
        case "flag":
            return _flag(column)
        case "time":
            return _time(column, naive_zone)
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


def _number(column: ir.Column) -> Cast:
    if column.type().is_string():
        text = _given(column)
        value = text.try_cast("float64")
        usable = ibis.ifelse(value.isnan() | value.isinf(), ibis.null("float64"), value)
        return Cast(usable, text.notnull() & usable.isnull())
    if column.type().is_floating():
        value = column.cast("float64")
        usable = ibis.ifelse(value.isnan() | value.isinf(), ibis.null("float64"), value)
        return Cast(usable, value.isinf().fill_null(False))
    if column.type().is_numeric():
        return Cast(column.cast("float64"))
    return _never(column, "float64")


def _integer(column: ir.Column) -> Cast:
    if column.type().is_integer():
        return Cast(column.cast("int64"))
    number = _number(column)
    whole = (number.value == number.value.floor()) & (number.value.abs() < 2**53)
    value = ibis.ifelse(whole, number.value, ibis.null("float64")).cast("int64")
    broken = number.value.notnull() & value.isnull()
    return Cast(value, broken if number.failed is None else broken | number.failed)


def _flag(column: ir.Column) -> Cast:
    if column.type().is_boolean():
        return Cast(column)
    if column.type().is_string():
        text = _given(column)
        value = text.re_replace(r"\.0$", "").try_cast("boolean")
        return Cast(value, text.notnull() & value.isnull())
    number = _number(column)
    value = ibis.cases((number.value == 1, True), (number.value == 0, False), else_=ibis.null("boolean"))
    broken = number.value.notnull() & value.isnull()
    return Cast(value, broken if number.failed is None else broken | number.failed)


def _time(column: ir.Column, naive_zone: str | None) -> Cast:
    kind = column.type()
    if kind.is_timestamp() and kind.timezone is not None:
        return Cast(_microseconds(column.cast(_UTC)))
    if kind.is_timestamp() or kind.is_date():
        clock = column.cast("timestamp")
        if naive_zone is None:
            return Cast(ibis.null("int64"), naive=clock.notnull())
        return Cast(_microseconds(_in_zone(naive_zone, clock)))
    if kind.is_string():
        return _written_time(_given(column), naive_zone)
    return _never(column, "int64")


def _written_time(text: ir.StringColumn, naive_zone: str | None) -> Cast:
    zoned = text.re_search(_ZONED) & text.contains(":")
    moment = ibis.ifelse(zoned, text, ibis.null("string")).try_cast(_UTC)
    clock = ibis.ifelse(zoned, ibis.null("string"), text).try_cast("timestamp")
    if naive_zone is None:
        naive = clock.notnull()
        return Cast(_microseconds(moment), text.notnull() & moment.isnull() & clock.isnull(), naive)
    value = _microseconds(moment.coalesce(_in_zone(naive_zone, clock)))
    return Cast(value, text.notnull() & value.isnull())


def _never(column: ir.Column, to: str) -> Cast:
    return Cast(ibis.null(to), column.notnull())
