from evals.bench.rca import (
    FACTS,
    FRAME,
    INTERVALS_LIMIT_S,
    LIMIT_S,
    VERDICT,
    RcaReport,
    RcaRun,
    diagnose,
    run,
)
from tests.tools.worlds import case
from tools.diagnosis_tools import TOOLS
from tools.registry import REGISTRY, ToolContext


def test_every_tool_is_called_and_every_table_read_once() -> None:
    found = case("batching")
    plain = REGISTRY["drivers"]
    measured = run(found.dataset, found.incident, 2)
    names = {part.name for part in measured.parts}
    assert names >= {tool.__name__ for tool in TOOLS} | {FACTS, FRAME, VERDICT}
    assert measured.queries == len(("facts", "supply", "stock", "changes", "events"))
    assert sum(part.seconds for part in measured.parts) <= measured.seconds
    assert 0 < measured.window_orders < measured.compared_orders
    assert REGISTRY["drivers"] is plain, "nothing is timed once the block has ended"


def test_an_analysis_is_the_battery_and_its_verdict() -> None:
    found = case("batching")
    done = diagnose(ToolContext(found.dataset), found.incident, replicates=0)
    assert done.verdict.findings[0].hypothesis.value == "batching_policy"
    assert done.evidence > len(TOOLS)


def _run(seconds: float, replicates: int) -> RcaRun:
    return RcaRun(
        incident="", window_orders=1, compared_orders=2, replicates=replicates, seconds=seconds, processor_s=1.0,
        parts=(), evidence=1, queries=5,
    )  # fmt: skip


def _report(*runs: RcaRun) -> RcaReport:
    return RcaReport(
        orders=9, processors=2, imports_s=1.0, open_s=1.0, detect_s=1.0, first_s=1.0, runs=runs, peak_mb=1.0
    )


def test_misses_name_the_run_and_its_own_limit() -> None:
    assert _report(_run(LIMIT_S - 1, 0), _run(INTERVALS_LIMIT_S - 1, 100)).misses == []
    slow = _report(_run(LIMIT_S, 0), _run(INTERVALS_LIMIT_S, 100)).misses
    assert slow == ["all orders, 0 replicates: 10.0 s, not 10", "all orders, 100 replicates: 60.0 s, not 60"]
