from datetime import UTC, datetime
from pathlib import Path

import pytest

import tools.hypotheses
from data.contracts import TABLES
from data.slices import Slice
from tools.battery import resolve
from tools.findings import HypothesisId
from tools.hypotheses import HYPOTHESES, Call, Hypothesis
from tools.incidents import Incident, Kind, Severity, Window
from tools.metrics import METRICS
from tools.outcomes import COMPOSITES
from tools.registry import REGISTRY

NOW = datetime(2026, 2, 4, tzinfo=UTC)
INCIDENT = Incident(
    id="inc",
    kind=Kind.CX,
    metric="on_time",
    slice=Slice.parse({"region": "SF", "hour": {"from": 18, "to": 20}}),
    window=Window(start=NOW, end=NOW.replace(day=5)),
    onset=NOW,
    baseline=0.9,
    current=0.8,
    delta=-0.1,
    z=-5.0,
    q_value=0.0,
    severity=Severity.LOW,
    affected_orders=1,
    top_slices=(),
)


def test_every_id_has_its_file_and_line() -> None:
    files = {path.stem for path in Path(tools.hypotheses.__path__[0]).glob("*.py")} - {
        "__init__",
        "base",
        "documentation",
    }
    assert set(HYPOTHESES) == set(HypothesisId)
    assert files == {id_.value for id_ in HypothesisId}


@pytest.mark.parametrize("hypothesis", HYPOTHESES.values(), ids=lambda h: h.id.value)
def test_a_hypothesis_names_only_what_exists(hypothesis: Hypothesis) -> None:
    assert hypothesis.claim
    assert hypothesis.supports
    assert hypothesis.refutes
    assert hypothesis.one_more_datum
    assert set(hypothesis.moves) <= {*METRICS, *COMPOSITES}
    for need in hypothesis.needs:
        table, _, column = need.partition(".")
        assert not column or TABLES[table].column(column)
    for call in hypothesis.battery:
        arguments = resolve(call, INCIDENT)
        REGISTRY[call.tool].arguments.model_validate(arguments)


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(ValueError, match="\\$nowhere"):
        resolve(Call("outcome_shift", {"slice": "$nowhere"}), INCIDENT)
