"""From a choice to a running engine."""

from data.engine import EngineChoice
from data.engines.base import Engine
from data.engines.duckdb import DuckDBEngine
from data.errors import DataError


def connect(choice: EngineChoice) -> Engine:
    """A new session of the chosen engine.

    Raises:
        DataError: its package is not installed, or it cannot be reached.
    """
    if choice.name == "duckdb":
        return DuckDBEngine(choice)
    try:
        if choice.name == "postgres":
            from data.engines.postgres import PostgresEngine

            return PostgresEngine(choice)
        from data.engines.spark import SparkEngine

        return SparkEngine(choice)
    except ImportError as error:
        raise DataError(
            f"CX_ENGINE={choice.name}: {error}; install it with: pip install 'cx-fulfillment-agent[{choice.name}]'"
        ) from error
