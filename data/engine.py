"""Which engine is wanted, and where it is."""

from typing import Final, Literal, NamedTuple

EngineName = Literal["duckdb", "postgres", "spark"]


class EngineChoice(NamedTuple):
    """An engine; the results do not depend on it."""

    name: EngineName = "duckdb"
    url: str = ""
    """Where it is: `postgresql://...`, a Spark master such as `local[2]`; DuckDB needs none."""
    threads: int | None = None
    """Threads of DuckDB; by default all processors."""


DUCKDB: Final = EngineChoice()
