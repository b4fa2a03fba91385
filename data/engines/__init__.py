"""The engines that hold tables and answer the data room's expressions.

- `base`: what every engine can do, and the few places where they differ
- `choice`: which one is wanted
- `duckdb`, `postgres`, `spark`: one module an engine; the last two need their extras
"""

from data.engines.base import Engine
from data.engines.choice import DUCKDB, EngineChoice, EngineName
from data.engines.connect import connect

__all__ = ["DUCKDB", "Engine", "EngineChoice", "EngineName", "connect"]
