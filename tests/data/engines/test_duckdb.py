from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.engine import DUCKDB
from data.engines import Engine, connect

ROWS = pa.table({"a": list(range(1_000))})


@pytest.fixture(params=["in place", "registered", "both"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """A session with a table `rows`, read where it lies or registered."""
    made = connect(DUCKDB)
    if request.param != "registered":
        pq.write_table(ROWS, tmp_path / "rows.parquet")
        made.scan("rows", [tmp_path / "rows.parquet"])
    if request.param != "in place":
        made.load("rows" if request.param == "registered" else "others", ROWS)
    return made


def test_what_is_started_gives_what_is_asked_for(engine: Engine) -> None:
    rows = engine.backend.table("rows")
    wanted = [rows.filter(rows.a % 7 == left).aggregate(total=rows.a.sum()) for left in range(7)]
    started = [engine.start(one) for one in wanted]
    assert [wait() for wait in started] == [engine.arrow(one) for one in wanted]
    assert started[0]() == started[0](), "and may be waited for twice"
