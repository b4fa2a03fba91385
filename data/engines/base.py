"""What an engine can do for the data room.

Expressions are written once with Ibis. What Ibis has no word for, or engines disagree about, is here: the
microseconds of a moment, a clock in a zone, casts that may fail, and a hash of a text.
"""

import gc
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

UTC: Final = dt.Timestamp(timezone="UTC")

# Selections stay steps of their own: merged, an expression that is used twice would be computed twice, and one
# that is used twice at each of several steps many times.
ibis.options.sql.fuse_selects = False

# An expression is tens of thousands of objects that live for a moment: looking for cycles after every 700 of them
# only takes time.
gc.set_threshold(20_000)


def unary(name: str, takes: dt.DataType, gives: dt.DataType, *, schema: str | None = None) -> Any:  # noqa: ANN401  # Ibis has no type for one
    """A function of an engine that Ibis does not know, of one argument."""

    def function(value: object) -> None:
        """Is never called: the engine has it."""

    return ibis.udf.scalar.builtin(function, name=name, database=schema, signature=((takes,), gives))


def zoned(name: str) -> Any:  # noqa: ANN401  # Ibis has no type for one
    """The engine's function of a zone's name and a clock's time that gives the moment."""

    def function(zone: object, clock: object) -> None:
        """Is never called: the engine has it."""

    return ibis.udf.scalar.builtin(function, name=name, signature=((dt.string, dt.Timestamp()), UTC))


class Engine(ABC):
    """A session of an engine; not safe to use from two threads at once."""

    name: str
    backend: Any
    """The Ibis backend; Ibis has no public type for one."""

    # --- tables

    @abstractmethod
    def load(self, name: str, rows: pa.Table) -> ir.Table:
        """Rows from memory, as a table of this session."""

    @abstractmethod
    def scan(self, name: str, files: Sequence[Path]) -> ir.Table | None:
        """Parquet files as a table that is read where it lies; None where the engine cannot do that."""

    def existing(self, name: str) -> ir.Table | None:  # engines without a database have none
        """A table that lies in the engine already; None where there is none of that name."""
        return None

    def origin(self, name: str) -> str:
        """What people call such a table."""
        return name

    @abstractmethod
    def keep(self, name: str, rows: ir.Table) -> ir.Table:
        """Compute a table once and keep it under a name until the session ends."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Forget a table of `load` or `keep`, if there is one."""

    def arrow(self, rows: ir.Table) -> pa.Table:
        """The result of an expression, in the types that it promises."""
        result: pa.Table = self.backend.to_pyarrow(rows)
        return result

    def start(self, rows: ir.Table) -> Callable[[], pa.Table]:
        """Begin to compute an expression, where an engine can go on by itself; what is returned waits for its result."""
        return lambda: self.arrow(rows)

    # --- what engines disagree about

    @abstractmethod
    def microseconds(self, moment: ir.TimestampValue) -> ir.IntegerValue:
        """Microseconds since 1970 of a moment."""

    @abstractmethod
    def in_zone(self, zone: str, clock: ir.TimestampValue) -> ir.TimestampValue:
        """The moment at which clocks of a zone show a time."""

    def try_cast(self, column: ir.Value, to: dt.DataType) -> ir.Value:
        """A cast that is empty where it fails."""
        return column.try_cast(to)

    @abstractmethod
    def text_number(self, text: ir.StringValue) -> ir.IntegerValue:
        """A text's hash: the first 32 bits of its MD5."""

    def distinct(self, rows: ir.Table, column: str) -> int:
        """How many values a column has."""
        return int(self.arrow(rows.aggregate(found=rows[column].nunique()))["found"][0].as_py())
