"""Report: everything in its final form, every text rendered."""

from datetime import datetime

from langgraph.runtime import Runtime

from agents.catalog import allowed, globally
from agents.challenge import entries
from agents.context import Context
from agents.grounding import render_text
from agents.nodes.writer import found
from agents.report import Grounding, InvestigationReport
from agents.state import State
from agents.timeline import timeline
from tools.findings import Adjudication, Finding, IncidentVerdict
from tools.recommendations import Recommendation

NOTHING_FOUND = (
    "## What happened\n\nNothing is wrong: no metric left its expected range in any slice of these orders."
)


async def report(state: State, runtime: Runtime[Context]) -> State:
    """Put the report together."""
    context = runtime.context
    emitter = context.emitter(state["run_id"], "report")
    with emitter.step("report"):
        if state["incident"] is None:
            emitter.text(NOTHING_FOUND)
            whole = nothing_found(context.dataset.fingerprint, context.dataset.as_of)
        else:
            whole = assemble(state, context)
    return {"report": whole.model_dump(mode="json")}


def nothing_found(fingerprint: str, as_of: datetime) -> InvestigationReport:
    """The report of data in which nothing is wrong."""
    return InvestigationReport(
        incident=None,
        verdict=IncidentVerdict.NO_DEGRADATION,
        findings=(),
        ruled_out=(),
        not_testable=(),
        p_none=1.0,
        p_other=0.0,
        timeline=(),
        recommendations=(),
        experiment_plan=None,
        narrative=NOTHING_FOUND,
        evidence={},
        grounding=Grounding(claims=0, supported=0, removed=0),
        limitations=(),
        fingerprint=fingerprint,
        as_of=as_of,
    )


def assemble(state: State, context: Context) -> InvestigationReport:
    """The report of an investigated incident."""
    what = found(state, context)
    facts = dict(allowed(what).facts)
    verdict: Adjudication = what.adjudication
    return InvestigationReport(
        incident=what.incident,
        verdict=verdict.verdict,
        findings=tuple(_rendered(finding, facts) for finding in verdict.findings),
        ruled_out=tuple(_rendered(finding, facts) for finding in verdict.ruled_out),
        not_testable=verdict.not_testable,
        p_none=verdict.p_none,
        p_other=verdict.p_other,
        challenge=entries(what.evidence.values(), what.zone),
        timeline=timeline(what),
        recommendations=tuple(
            _spoken(n, each, facts) for n, each in enumerate(what.recommendations, start=1)
        ),
        experiment_plan=what.plan,
        narrative=state["narrative"],
        evidence=dict(what.evidence),
        grounding=Grounding.model_validate(state["grounding"]),
        limitations=tuple(dict.fromkeys(state.get("limitations", []))),
        fingerprint=context.dataset.fingerprint,
        as_of=context.dataset.as_of,
        confidence_model=context.confidence.fingerprint,
    )


def _rendered(finding: Finding, facts: dict[str, str]) -> Finding:
    against = tuple(o.model_copy(update={"text": render_text(o.text, facts)}) for o in finding.against)
    return finding.model_copy(update={"against": against})


def _spoken(rank: int, recommendation: Recommendation, facts: dict[str, str]) -> Recommendation:
    def say(text: str) -> str:
        return render_text(globally(text, rank), facts)

    return recommendation.model_copy(
        update={
            "title": say(recommendation.title),
            "implementation": say(recommendation.implementation),
            "risks": tuple(say(risk) for risk in recommendation.risks),
        }
    )
