"""A workbench with a small scripted investigation, and documents to fill the tables with."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.events import Emitter, EventSink
from agents.report import Grounding, InvestigationReport
from data.slices import Slice
from knowledge.memory import Resolution as Remembered
from server.experiment_types import Adjustment, Designed, RolledOut
from server.models import RunRecord
from server.repository import Served
from tools.errors import ToolFailure
from tools.evidence import Evidence
from tools.experiment import ExperimentPlan, Look
from tools.findings import Finding, FindingVerdict, HypothesisId, IncidentVerdict
from tools.incidents import DetectionReport, Incident, Kind, Severity, Window
from tools.monitor_report import MonitorReport
from tools.ports import Assignments
from tools.recommendations import Effect, Recommendation
from tools.resolution import Resolution, resolve

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
SPECIALISTS = ("merchant", "supply")


def clock() -> datetime:
    return NOW


def make_incident(id: str = "I1", *, days: int = 0) -> Incident:
    onset = NOW - timedelta(days=2 + days)
    return Incident(
        id=id,
        kind=Kind.CX,
        metric="on_time",
        slice=Slice.parse({"category": "grocery", "region": "SF", "hour": {"from": 18, "to": 20}}),
        window=Window(start=onset, end=NOW),
        onset=onset,
        baseline=0.92,
        current=0.78,
        delta=-0.14,
        z=-11.2,
        q_value=0.0001,
        severity=Severity.HIGH,
        affected_orders=1234,
        top_slices=(),
    )


def make_detection(*incidents: Incident) -> DetectionReport:
    return DetectionReport(incidents=incidents, series=(), fingerprint="f" * 32, as_of=NOW)


def make_plan() -> ExperimentPlan:
    return ExperimentPlan(
        action="restore_threshold",
        title="Go back to two orders a batch",
        hypothesis="h",
        mechanism="m",
        scope=Slice.parse({"region": "SF"}),
        eligibility="every order of the slice",
        unit="switchback",
        unit_reason="r",
        window_hours=2,
        burn_in_s=1800.0,
        planned_share=0.5,
        primary="on_time",
        metrics=(),
        mde=0.02,
        mde_pp=2.0,
        alpha=0.05,
        power=0.8,
        unit_sd_pp=3.0,
        icc=0.01,
        design_effect=1.5,
        variance_reduction=(),
        sample_inflation=1.0,
        units_needed=40,
        units_per_day=6.0,
        units_planned=42,
        sample_orders=8000,
        days_least=7,
        days=7,
        mde_in_days_pp=1.9,
        looks=(Look(day=7, information=1.0, z_bound=1.96, p_bound=0.05, alpha_spent=0.05),),
        guardrail_alpha=0.01,
        srm_p_bound=0.001,
        missing_share_limit=0.02,
        holdback_share=0.05,
        holdback_days=14,
        variance_source="v",
        feasible=True,
        options=(),
        analysis=(),
        rollout=(),
        checks=(),
        monitoring=(),
        rollback=(),
        decision_rules=(),
        decision_matrix=(),
        holdback="none",
        evidence=("E1",),
        markdown="# Plan\n\nGo back to two orders a batch.\n",
    )


def make_report(incident: Incident | None, *, plan: bool = True) -> InvestigationReport:
    finding = Finding(
        hypothesis=HypothesisId.BATCHING_POLICY,
        verdict=FindingVerdict.CONFIRMED,
        role="primary",
        p_primary=0.91,
        p_contributes=0.97,
        impact=400.0,
        share_explained=0.8,
        evidence=("E1",),
        against=(),
    )
    advice = Recommendation(
        action="restore_threshold",
        title="Go back to two orders a batch",
        parameters={"batching_threshold": 2},
        scope=Slice.parse({"region": "SF"}),
        effects={"on_time": Effect(estimate=0.12, low=0.09, high=0.15, unit="share")},
        efficiency_cost={},
        confidence=0.8,
        addresses="batching_policy",
        owner="logistics",
        reversibility="instant",
        complexity="low",
        implementation="Set the threshold back.",
        risks=(),
        evidence=("E1",),
    )
    evidence = {
        name: Evidence(id=name, tool="did", arguments={}, result={"delta_pp": -14.0}, fingerprint="f" * 32)
        for name in ("E1", "E2")
    }
    return InvestigationReport(
        incident=incident,
        verdict=IncidentVerdict.CONFIRMED if incident else IncidentVerdict.NO_DEGRADATION,
        findings=(finding,) if incident else (),
        ruled_out=(),
        not_testable=(),
        p_none=0.01,
        p_other=0.02,
        timeline=(),
        recommendations=(advice,) if incident else (),
        experiment_plan=make_plan() if plan and incident else None,
        narrative="Batching made <b>deliveries</b> late [E1].",
        evidence=evidence,
        grounding=Grounding(claims=3, supported=3, removed=0),
        limitations=(),
        fingerprint="f" * 32,
        as_of=NOW,
    )


def tell(sink: EventSink, run: str, *, order: tuple[str, ...] = SPECIALISTS) -> None:
    """A whole investigation's events; `order` is the order in which the specialists happen to finish."""
    start = Emitter(sink, clock, run=run, node="start")
    start.run_started("I1")
    with Emitter(sink, clock, run=run, node="triage").step("triage"):
        pass
    for branch in order:
        emitter = Emitter(sink, clock, run=run, node="investigate", branch=branch, siblings=SPECIALISTS)
        with emitter.subagent(branch, "looks into it"):
            emitter.activity("cx.evidence", f"{branch}:1", {"delta_pp": -14.0})
    writer = Emitter(sink, clock, run=run, node="write")
    writer.text("Batching made deliveries late.")
    Emitter(sink, clock, run=run, node="end").run_finished("I1", {"verdict": "confirmed"})


class FakeWorkbench:
    """Investigates in no time; `gate` holds it back, `error` makes it fail."""

    def __init__(
        self,
        *incidents: Incident,
        gate: asyncio.Event | None = None,
        error: Exception | None = None,
        plan: bool = True,
    ) -> None:
        self.incidents = incidents or (make_incident(),)
        self.gate, self.error, self.plan = gate, error, plan
        self.calls: list[str] = []
        self.searches = 0
        self.memory: list[Remembered] = []

    def identify(self) -> Served:
        return Served("f" * 32, NOW)

    def detect(self, history: Sequence[Incident]) -> DetectionReport:
        self.searches += 1
        return make_detection(*self.incidents)

    async def investigate(self, run: RunRecord, sink: EventSink) -> InvestigationReport:
        self.calls.append(run.id)
        Emitter(sink, clock, run=run.id, node="start").run_started(run.incident_id)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        tell(sink, run.id)
        return make_report(Incident.model_validate_json(run.incident), plan=self.plan)

    def read_experiment(
        self, plan: ExperimentPlan, assignments: Assignments, *, as_of: datetime | None
    ) -> MonitorReport:
        raise ToolFailure(f"no window has begun; {len(assignments.rows())} rows are assigned")

    def design(
        self, incident: Incident, recommendation: Recommendation, asked: Adjustment, *, as_of: datetime
    ) -> Designed:
        if asked.action is not None:
            raise ValueError(f"action {asked.action!r} is unknown")
        return Designed(recommendation, make_plan().model_copy(update={"days": asked.days or 7}))

    def judge(self, incident: Incident, done: RolledOut, *, as_of: datetime | None) -> Resolution:
        return resolve((), rolled_out=done.since, effect=done.effect, as_of=as_of or NOW)

    def remember(self, resolution: Remembered) -> None:
        self.memory.append(resolution)


def problem(body: Mapping[str, Any]) -> tuple[int, str]:
    """Status and code of a problem document."""
    assert set(body) == {"type", "title", "status", "detail", "instance", "code", "errors"}
    return body["status"], body["code"]
