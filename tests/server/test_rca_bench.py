import pytest

from evals.bench.rca import RcaReport
from server.cli.app import run
from server.cli.exits import CommandError
from server.rca_bench import bench_rca


def test_one_size_at_a_time() -> None:
    with pytest.raises(CommandError, match="give one size"):
        bench_rca(orders="100k,1M", replicates=2, as_json=True)


@pytest.mark.slow
def test_the_command_prints_where_the_time_goes(capfd: pytest.CaptureFixture[str]) -> None:
    ended = run(["bench", "rca", "--orders", "210k", "--replicates", "2", "--json"])
    assert ended in (0, 1), "1 where this machine was too slow, which no test decides"
    report = RcaReport.model_validate_json(capfd.readouterr().out)
    assert report.orders > 200_000
    assert [one.replicates for one in report.runs] == [0, 2, 0, 2]
    assert all(part.calls for one in report.runs for part in one.parts)
    assert min(report.imports_s, report.open_s, report.detect_s, report.first_s, report.peak_mb) > 0


@pytest.mark.slow
def test_a_world_too_small_to_show_its_fault_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "rca", "--orders", "9k"]) != 0
    assert "take more orders" in capfd.readouterr().err
