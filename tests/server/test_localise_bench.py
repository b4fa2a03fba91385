import pytest

from evals.bench.localise import LocaliseBench, MethodScore, Speed
from evals.bench.localisers import LOCALISERS
from server.cli.app import run
from server.localise_bench import tables_of


def made(f1: float, worst: float) -> LocaliseBench:
    scores = tuple(
        MethodScore(
            noise="low", method=name, cases=9, f1=value, f1_error=0.01, jaccard=0.9, slices=1.0, seconds=0.02
        )
        for name, value in zip(LOCALISERS, (f1, 0.3, 0.1), strict=True)
    )
    speed = (Speed(leaves=40_176, causes=1, seconds=0.05, worst_s=worst),)
    return LocaliseBench(
        label="x", scores=scores, detail=(), speed=speed, null_slices=0.0, not_installed=("sliceline",)
    )


def test_targets_are_said_to_be_met_or_missed() -> None:
    good = [str(part) for part in tables_of(made(0.9, 0.1))]
    assert "low noise: +0.600 F1 beyond the better baseline (meets 0.10)" in good
    assert "slowest scan: 0.100 s (meets 0.3 s)" in good
    assert "sliceline: not installed" in good
    bad = [str(part) for part in tables_of(made(0.35, 0.4))]
    assert "low noise: +0.050 F1 beyond the better baseline (misses 0.10)" in bad
    assert "slowest scan: 0.400 s (misses 0.3 s)" in bad


@pytest.mark.slow
def test_the_command_prints_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "localise", "--repeats", "1", "--label", "test", "--json"]) == 0
    bench = LocaliseBench.model_validate_json(capfd.readouterr().out)
    assert {one.method for one in bench.scores} >= set(LOCALISERS)
