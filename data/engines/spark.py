"""Spark: for tables that are too large for one machine. Needs Java and the extra `spark`."""

import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from data.engine import EngineChoice
from data.engines.base import UTC, Engine, unary

_unix_micros = unary("unix_micros", UTC, dt.int64)


@ibis.udf.scalar.builtin(name="to_utc_timestamp", signature=((dt.Timestamp(), dt.string), UTC))  # type: ignore[untyped-decorator]  # Ibis has no types
def _to_utc(clock: dt.Timestamp, zone: str) -> None:
    """The moment at which clocks of a zone show a time."""


@ibis.udf.scalar.builtin(name="conv", signature=((dt.string, dt.int8, dt.int8), dt.string))  # type: ignore[untyped-decorator]  # Ibis has no types
def _conv(digits: str, base: int, to: int) -> None:
    """Digits in another base."""


class SparkEngine(Engine):
    """A session of a cluster, or of this machine with `local[...]`; it speaks UTC."""

    name = "spark"

    def __init__(self, choice: EngineChoice) -> None:
        from pyspark.sql import SparkSession  # an extra: this module is imported without it, too

        settings = {
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.shuffle.partitions": "8",
            "spark.ui.enabled": "false",
        }
        if not choice.url or choice.url.startswith("local"):
            settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        builder = SparkSession.builder.master(choice.url or "local[*]").appName("cx")
        for key, value in settings.items():
            builder = builder.config(key, value)
        # A session of its own, so that the tables of two datasets do not meet.
        self._session: Any = builder.getOrCreate().newSession()
        self.backend = ibis.pyspark.connect(self._session)
        self._scratch = tempfile.TemporaryDirectory(prefix="cx-spark-")
        weakref.finalize(self, self._scratch.cleanup)

    def load(self, name: str, rows: pa.Table) -> ir.Table:
        """By way of a Parquet file, which Spark reads as it is."""
        path = Path(self._scratch.name) / f"{name}.parquet"
        plain = pa.schema([pa.field(f.name, _plain(f.type)) for f in rows.schema])
        pq.write_table(rows.cast(plain), path)
        return self._view(name, self._session.read.parquet(str(path)))

    def scan(self, name: str, files: Sequence[Path]) -> ir.Table | None:
        """A view over the files."""
        read = self._session.read.option("mergeSchema", "true")
        return self._view(name, read.parquet(*(str(file) for file in files)))

    def keep(self, name: str, rows: ir.Table) -> ir.Table:
        """A cached view."""
        return self._view(name, self._session.sql(self._narrow(rows)).cache())

    def drop(self, name: str) -> None:
        """Forget a view; what was made of it reads its file again if it must."""
        self._session.catalog.dropTempView(name)

    def arrow(self, rows: ir.Table) -> pa.Table:
        """Run the expression."""
        found: pa.Table = self._session.sql(self._narrow(rows)).toArrow()
        return found.cast(rows.schema().to_pyarrow())

    def microseconds(self, moment: ir.TimestampValue) -> ir.IntegerValue:
        """Spark stores them."""
        value: ir.IntegerValue = _unix_micros(moment)
        return value

    def in_zone(self, zone: str, clock: ir.TimestampValue) -> ir.TimestampValue:
        """By Java's zone rules."""
        value: ir.TimestampValue = _to_utc(clock, zone)
        return value

    def text_number(self, text: ir.StringValue) -> ir.IntegerValue:
        """The first eight digits of the MD5, read as a number."""
        digits = text.hexdigest("md5").substr(0, 8)
        value: ir.IntegerValue = _conv(digits, 16, 10).cast("int64")
        return value

    def _view(self, name: str, frame: Any) -> ir.Table:  # noqa: ANN401  # a Spark frame
        frame.createOrReplaceTempView(name)
        table: ir.Table = self.backend.table(name)
        # Ibis takes Spark's moments for clock times.
        moments = [field.name for field in frame.schema if field.dataType.typeName() == "timestamp"]
        return table.mutate(**{c: table[c].cast(UTC) for c in moments}) if moments else table

    def _narrow(self, rows: ir.Table) -> str:
        columns = (
            f"CAST({_name(c)} AS BIGINT) AS {_name(c)}" if kind.is_integer() else _name(c)
            for c, kind in rows.schema().items()
        )
        return f"SELECT {', '.join(columns)} FROM ({self.backend.compile(rows)})"  # noqa: S608  # names are quoted


def _name(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"


def _plain(kind: pa.DataType) -> pa.DataType:
    """What Spark can read of what pandas writes."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_null(kind) or pa.types.is_large_string(kind):
        return pa.string()
    return pa.int64() if pa.types.is_unsigned_integer(kind) else kind
