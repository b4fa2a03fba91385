"""The engines that hold tables and answer the data room's expressions.

- `base`: what every engine can do, and the few places where they differ
- `connect`: from a choice (`data.engine`) to a session
- `duckdb`, `postgres`, `spark`: one module an engine; the last two need their extras
"""

from data.engines.base import Engine
from data.engines.connect import connect

__all__ = ["Engine", "connect"]
