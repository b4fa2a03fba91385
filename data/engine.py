"""The engine beneath: an in-memory DuckDB behind Ibis."""

from typing import Any

import ibis
import ibis.expr.types as ir

from data.expressions import quote


def connect() -> Any:  # noqa: ANN401  # Ibis has no public type for a backend
    """A new engine whose session speaks UTC."""
    engine = ibis.duckdb.connect()
    engine.con.execute("SET TimeZone = 'UTC'")
    # The bar would be drawn on stdout, amid the data.
    engine.con.execute("SET enable_progress_bar = false")
    return engine


def materialise(engine: Any, name: str, rows: ir.Table) -> ir.Table:  # noqa: ANN401
    """Compute a table once and keep it under a name until the engine is gone."""
    # DuckDB adds up int64 to int128; what the expression promises is int64.
    wide = [column for column, kind in rows.schema().items() if kind.is_integer()]
    narrowed = ", ".join(f"{quote(column)}::BIGINT AS {quote(column)}" for column in wide)
    chosen = f"* REPLACE ({narrowed})" if wide else "*"
    query = f"SELECT {chosen} FROM ({engine.compile(rows)})"  # noqa: S608  # names are quoted
    engine.con.execute(f"CREATE OR REPLACE TEMP TABLE {quote(name)} AS {query}")
    kept: ir.Table = engine.table(name)
    return kept
