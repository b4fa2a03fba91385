import pytest

from evals.bench.dispatch import CellRow, DispatchBench
from server.cli.app import run
from server.dispatch_bench import tables_of


def made(seconds: float) -> DispatchBench:
    cell = CellRow(couriers=14, threshold=2, on_time=0.7, orders_per_courier_hour=3.5, utilisation=1.1)
    return DispatchBench(replications=3, orders=540, compile_seconds=0.5, seconds=seconds, cells=(cell,))


def test_the_target_is_said_to_be_met_or_missed() -> None:
    assert "(meets 2 s)" in str(tables_of(made(1.0))[-1])
    assert "(misses 2 s)" in str(tables_of(made(3.0))[-1])


def test_the_command_prints_every_cell(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "dispatch", "--replications", "2", "--json"]) == 0
    bench = DispatchBench.model_validate_json(capfd.readouterr().out)
    assert len(bench.cells) == 24
    assert run(["bench", "dispatch", "--replications", "2"]) == 0
    assert "couriers" in capfd.readouterr().out
