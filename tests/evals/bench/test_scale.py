from pathlib import Path

import pandas as pd
import pytest

from data.dataset import Dataset
from evals.bench import sql
from evals.bench.dataset import Size, day_file, write, write_day
from evals.bench.scale import LIMITS_FROM, as_of, measure
from evals.bench.stage import Stopwatch, apart
from server.cli import main
from server.cli.exits import CommandError
from server.scale_bench import parse_sizes


def test_a_dataset_has_what_its_size_says(tmp_path: Path) -> None:
    size = Size(3_000, days=3)
    write(size, tmp_path)
    dataset = Dataset.open(tmp_path)
    assert len(dataset.facts()) == 3_000
    assert dataset.report.clean
    assert {t.table for t in dataset.report.tables if t.level != "optional" and not t.present} == set()
    assert dataset.dimensions == ("category", "basket", "region", "store_id")
    assert dataset.as_of.isoformat() == as_of(size)
    write_day(size, 3, tmp_path)
    assert len(Dataset.open(tmp_path).facts()) == 4_000
    assert (tmp_path / "items" / day_file(3)).is_file()


def test_the_hand_written_query_counts_what_the_cube_counts(tmp_path: Path) -> None:
    size = Size(2_000, days=4)
    write(size, tmp_path)
    cells = Dataset.open(tmp_path).cells()
    assert sql.run(tmp_path, as_of(size)) == len(cells)
    by_hand = sql.totals(tmp_path, as_of(size))
    ours = cells[[name for name in by_hand if name in cells]].sum()
    unripe = {
        "refundable",
        "refunded",
        "refund_cents",
        "contacted",
        "ratable",
        "stars_points",
        "items",
        "items_ok",
    }
    mature = [name for name in ours.index if name not in unripe]
    assert {name: int(ours[name]) for name in mature} == {name: by_hand[name] for name in mature}


def _work(watch: Stopwatch, rows: int) -> dict[str, int]:
    return {"rows": len(watch.time("frame", lambda: pd.DataFrame({"x": range(rows)})))}


def test_work_apart_is_timed_and_weighed() -> None:
    found = apart(_work, 1_000)
    assert found.counts == {"rows": 1_000}
    assert [step.name for step in found.steps] == ["frame"]
    assert found.cpu_s >= 0
    assert found.peak_mb > 20


def test_sizes_are_read_smallest_first() -> None:
    assert [size.orders for size in parse_sizes("1M,100k, 5000")] == [5_000, 100_000, 1_000_000]
    with pytest.raises(CommandError, match="write a number of at least 30"):
        parse_sizes("many")


@pytest.mark.slow
def test_scale_measures_every_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = measure([Size(20_000), Size(40_000)], folder=tmp_path)
    first, second = report.sizes
    assert (first.label, second.orders) == ("20k", 40_000)
    assert {"raw scan", "hand-written SQL", "detection", "new day: cube"} <= {s.name for s in first.steps}
    assert first.rows > 20_000
    assert first.cells > 0
    assert second.orders < LIMITS_FROM
    main(["bench", "scale", "--orders", "20k", "--out", str(tmp_path)])
    assert "Parquet to ranked slices" in capsys.readouterr().out
