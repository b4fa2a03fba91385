"""Run simulated worlds through detection and investigation, and score what was said.

Every case is independent: it makes its world, reads nothing but its tables, and is judged by its truth.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np

from agents.investigation import investigate_sync
from agents.report import InvestigationReport
from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from data.world import World, WorldConfig
from data.world.run import WorldRun
from evals.cases import WorldCase
from evals.parallel import side_by_side
from evals.scoring import CaseResult, Scorecard, summarise
from tools.detection import detect
from tools.incidents import DetectionReport, Incident, Kind

Progress = Callable[[CaseResult], None]

ORDERS_PER_DAY = 12_000
DAYS = 35


def evaluate(
    cases: Sequence[WorldCase], *, label: str, workers: int = 2, progress: Progress = lambda _: None
) -> tuple[Scorecard, tuple[CaseResult, ...]]:
    """Run all cases, side by side in `workers` processes, and add them up.

    Args:
        cases: what to run.
        label: names the run in the scorecard.
        workers: processes; 1 runs in this one.
        progress: called once a case, in order of the cases.
    """
    results = []
    for result in side_by_side(run_case, cases, workers=workers):
        progress(result)
        results.append(result)
    return summarise(label, results), tuple(results)


def run_case(case: WorldCase) -> CaseResult:
    """One case from its seed to its score."""
    begun = time.perf_counter()
    world = World(
        WorldConfig(scenario=case.scenario, days=DAYS, orders_per_day=ORDERS_PER_DAY, seed=case.seed)
    )
    run = world.run()
    dataset = Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))
    found = detect(dataset)
    hit = _hit(found, world)
    report = investigate_sync(dataset, incident=_worst(found)) if found.incidents else None
    return CaseResult(
        case=case,
        incidents=sum(i.kind is Kind.CX for i in found.incidents),
        detected=hit is not None,
        delay_days=_delay(dataset, world) if hit else None,
        slice_jaccard=_overlap(run, world, hit.slice) if hit else None,
        slice_exact=hit.slice == world.fault.scope if hit and world.fault else None,
        **_judge(case, report),
        seconds=time.perf_counter() - begun,
    )


def _worst(found: DetectionReport) -> Incident:
    """What an investigation would look at by itself: the worst that customers feel, else the worst."""
    return next((i for i in found.incidents if i.kind is Kind.CX), found.incidents[0])


def _judge(case: WorldCase, report: InvestigationReport | None) -> dict[str, object]:
    """What the report names first, and whether it is true."""
    if report is None or report.incident is None:
        return {
            "top_cause": None,
            "p_true": None,
            "p_top": None,
            "verdict": "no_degradation",
            "cause_right": case.cause is None,
        }
    answers = {f.hypothesis.value: f.p_primary for f in (*report.findings, *report.ruled_out)}
    answers |= {"none": report.p_none, "other": report.p_other}
    top = max(sorted(answers), key=answers.__getitem__)
    named = report.verdict.value in ("confirmed", "likely")
    return {
        "top_cause": top,
        "p_true": None if case.cause is None else answers.get(case.cause, 0.0),
        "p_top": answers[top],
        "verdict": report.verdict.value,
        "cause_right": (named and top == case.cause) if case.cause else not named,
    }


def _hit(found: DetectionReport, world: World) -> Incident | None:
    """The first reported incident that shares orders and time with the fault."""
    fault, onset, end = world.fault, world.onset, world.end
    if fault is None or onset is None or end is None:
        return None
    for incident in found.incidents:
        in_time = incident.window.start < end and incident.window.end > onset
        if incident.kind is Kind.CX and in_time and incident.slice.overlaps(fault.scope):
            return incident
    return None


def _delay(dataset: Dataset, world: World) -> int | None:
    """Whole days from the fault's start to the first morning on which it is reported."""
    if world.onset is None:
        return None
    closed = dataset.as_of
    mornings: list[datetime] = []
    while closed > world.onset:
        mornings.append(closed)
        closed -= timedelta(days=1)
    for days, morning in enumerate(reversed(mornings), start=1):
        if _hit(detect(dataset.at(morning)), world):
            return days
    return None


def _overlap(run: WorldRun, world: World, reported: Slice) -> float:
    """Order-Jaccard of the reported slice and the true one while the fault lasts."""
    if world.fault is None:
        return 0.0
    true = run.select(world.fault.scope, world.onset, world.end)
    said = run.select(reported, world.onset, world.end)
    either = int(np.count_nonzero(true | said))
    return int(np.count_nonzero(true & said)) / either if either else 0.0
