"""How long a full root-cause analysis takes, and where the time goes: the report of `cx bench rca`.

A world of the size asked for is made in a process of its own and detected in another, which then analyses its worst
incident, and one of the same time over all orders (the widest there can be), without and with intervals. The analysis
is everything that an investigation computes before it recommends: the facts, every hypothesis's battery, the tools
that investigators may ask beyond it, the verdict, and what is asked of its leading cause.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

import tools.change_points
import tools.metric_values
import tools.top_slices  # noqa: F401  # registers what is asked beyond the batteries
from data.dataset import Dataset
from data.errors import NotTestableError
from data.slices import ALL_ORDERS
from data.world import World, WorldConfig
from data.world.export import write
from evals.bench.stage import Stopwatch, Timed, peak_memory_mb
from tools import battery
from tools.adjudication import adjudicate_batteries
from tools.challenged import leader_of
from tools.confidence import load_model
from tools.decomposition import UNEXPLAINED
from tools.detection import detect
from tools.diagnosis_tools import TOOLS
from tools.errors import ToolFailure
from tools.evidence import observe
from tools.features import read
from tools.findings import Adjudication, HypothesisId
from tools.incident_frame import IncidentArguments, incident_frame
from tools.incidents import Incident, Kind
from tools.mechanism_shapley import MOST_REPLICATES, REPLICATES
from tools.mechanism_shift import Driver
from tools.modules import MODULES
from tools.registry import REGISTRY, Result, ToolContext, ToolSpec

T = TypeVar("T")

DAYS: Final = 35
SEED: Final = 7
LIMIT_S: Final = 10.0
"""Without intervals."""
INTERVALS_LIMIT_S: Final = 60.0
"""With intervals."""
FACTS: Final = "facts of all orders"
FRAME: Final = "orders of the incident"
VERDICT: Final = "verdict"
OF_LEADER: Final = ("challenge", "mechanism_paths")
"""Asked once there is a leading cause."""


class NothingFoundError(RuntimeError):
    """No incident was found in the world: it is too small for its fault to be seen."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Share(_Model):
    """A tool, or work that tools share."""

    name: str
    calls: int
    seconds: float
    """Wall time of all calls."""
    processor_s: float
    """Processor time of all calls, on a machine that does other things as well."""
    share: float
    """Of the whole analysis."""


class RcaRun(_Model):
    """One analysis on data that are open and detected, by tools that were imported before."""

    incident: str
    """Slice of the incident; empty for all orders."""
    window_orders: int
    compared_orders: int
    """Of the window and of the days before it, in the slice."""
    replicates: int
    seconds: float
    processor_s: float
    """The same in processor time, which a busy machine does not stretch as much."""
    parts: tuple[Share, ...]
    """What it was spent on, most first."""
    evidence: int
    """Results of tools."""
    queries: int
    """Expressions that the engine computed: facts, supply, stock, changes, events; each once."""


class RcaReport(_Model):
    """All analyses of one world, and whether the limits hold."""

    orders: int
    processors: int
    imports_s: float
    """From the start of a process until everything is imported."""
    open_s: float
    """Parquet to clean tables."""
    detect_s: float
    first_s: float
    """The first analysis of the process, without intervals, with whatever is imported only when it is needed."""
    runs: tuple[RcaRun, ...]
    peak_mb: float
    """Most memory of the process that analysed."""

    @property
    def misses(self) -> list[str]:
        """Limits that were not met."""
        found = []
        for run in self.runs:
            limit = INTERVALS_LIMIT_S if run.replicates else LIMIT_S
            if run.seconds >= limit:
                found.append(
                    f"{run.incident or 'all orders'}, {run.replicates} replicates: {run.seconds:.1f} s, not {limit:g}"
                )
        return found


def measure(
    orders: int, *, replicates: int = REPLICATES, tell: Callable[[str], None] = lambda text: None
) -> RcaReport:
    """Make a world, find its incident and analyse it.

    Args:
        orders: of the world, about.
        replicates: behind the intervals of the runs that have any, 1 to 1000.
        tell: told what is being done.

    Raises:
        NothingFoundError: the world is too small for its fault to be found.
        ValueError: the number of replicates is out of range.
    """
    if not 1 <= replicates <= MOST_REPLICATES:
        raise ValueError(f"replicates == {replicates}, must be 1 to {MOST_REPLICATES}")
    with TemporaryDirectory(prefix="cx-bench-") as scratch:
        folder = Path(scratch) / "world"
        tell(f"making a world of {orders:,} orders")
        _apart(_make, orders, folder)
        tell("detecting and analysing")
        return _apart(analyse, folder, replicates, time.time())


def _apart(work: Callable[..., T], *args: object) -> T:
    """Do something in a fresh process, so that its memory and its imports are its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args).result()


def _make(orders: int, folder: Path) -> None:
    per_day = -(-orders // DAYS)
    write(World(WorldConfig(scenario="batching", days=DAYS, orders_per_day=per_day, seed=SEED)).run(), folder)


def analyse(folder: Path, replicates: int, begun: float) -> RcaReport:
    """Detect a folder's worst incident and analyse it in every way.

    Args:
        folder: the world.
        replicates: behind the intervals.
        begun: when the process was started, in seconds since 1970.
    """
    imports_s = time.time() - begun
    watch = Stopwatch()
    dataset = watch.time("open", lambda: Dataset.open(folder))
    found = watch.time("detect", lambda: detect(dataset)).incidents
    incident = next((one for one in found if one.kind is Kind.CX), None)
    if incident is None:
        raise NothingFoundError("no incident was found; take more orders")
    widest = incident.model_copy(update={"slice": ALL_ORDERS})
    watch.time("first", lambda: diagnose(ToolContext(dataset), incident, replicates=0))
    opened, detected, first = watch.steps
    return RcaReport(
        orders=len(dataset.facts()),
        processors=os.cpu_count() or 1,
        imports_s=imports_s,
        open_s=opened.wall_s,
        detect_s=detected.wall_s,
        first_s=first.wall_s,
        runs=tuple(run(dataset, one, number) for one in (incident, widest) for number in (0, replicates)),
        peak_mb=peak_memory_mb(),
    )


def run(dataset: Dataset, incident: Incident, replicates: int) -> RcaRun:
    """One analysis of a view that nobody has asked anything yet but detection."""
    view = dataset.at(dataset.as_of)
    view.cells()
    asked, whole, watch = view.queries, Stopwatch(), Stopwatch()
    with REGISTRY.wrapped(lambda spec: timing(watch, spec)):
        found = whole.time(
            "all", lambda: diagnose(ToolContext(view), incident, replicates=replicates, watch=watch)
        )
    (spent,) = whole.steps
    return RcaRun(
        incident="" if incident.slice == ALL_ORDERS else str(incident.slice),
        window_orders=found.window_orders,
        compared_orders=found.compared_orders,
        replicates=replicates,
        seconds=spent.wall_s,
        processor_s=spent.cpu_s,
        parts=_parts(watch.steps, spent.wall_s),
        evidence=found.evidence,
        queries=view.queries - asked,
    )


# --- what is measured


@dataclass(frozen=True)
class Diagnosis:
    """What an analysis found, in numbers."""

    verdict: Adjudication
    evidence: int
    window_orders: int
    compared_orders: int


def timing(watch: Stopwatch, spec: ToolSpec) -> ToolSpec:
    """A tool whose calls are timed."""

    def timed(context: ToolContext, arguments: Any) -> Result:  # noqa: ANN401  # whatever the tool takes
        return watch.time(spec.name, lambda: spec.function(context, arguments))

    return replace(spec, function=timed)


def _parts(steps: Sequence[Timed], whole_s: float) -> tuple[Share, ...]:
    """What the steps of each name took together, longest first."""
    by_name: dict[str, list[Timed]] = {}
    for step in steps:
        by_name.setdefault(step.name, []).append(step)
    parts = [
        Share(
            name=name,
            calls=len(mine),
            seconds=sum(step.wall_s for step in mine),
            processor_s=sum(step.cpu_s for step in mine),
            share=sum(step.wall_s for step in mine) / whole_s,
        )
        for name, mine in by_name.items()
    ]
    return tuple(sorted(parts, key=lambda part: (-part.seconds, part.name)))


def diagnose(
    context: ToolContext, incident: Incident, *, replicates: int, watch: Stopwatch | None = None
) -> Diagnosis:
    """Everything that an investigation computes before it recommends.

    Args:
        context: the data.
        incident: what happened.
        replicates: behind the intervals; 0 for none.
        watch: of the work that tools share, and of the verdict.
    """
    watch = watch or Stopwatch()
    window = incident.window
    place = IncidentArguments(
        slice=incident.slice, start=window.start, end=window.end, metric=incident.metric
    )
    watch.time(FACTS, context.dataset.facts)
    frame = watch.time(FRAME, lambda: incident_frame(context, place))
    found = battery.run_all(incident, context)
    done = {evidence.tool for result in found.values() for evidence in result.evidence}
    asked = _further(context, place, replicates, done)
    further = sum(_answers(context, name, given) for name, given in asked)
    verdict = watch.time(
        VERDICT,
        lambda: adjudicate_batteries(incident, found, load_model()),
    )
    shares = {id_: read(id_, result.evidence).share for id_, result in found.items()}
    of_leader = _of_leader(leader_of(verdict), place, replicates, shares)
    further += sum(_answers(context, name, given) for name, given in of_leader)
    return Diagnosis(
        verdict,
        sum(len(result.evidence) for result in found.values()) + further,
        int((frame.inside & frame.during).sum()),
        int(frame.inside.sum()),
    )


def _further(
    context: ToolContext, place: IncidentArguments, replicates: int, done: Collection[str]
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Calls that investigators may add to the batteries, so that every tool of a diagnosis is called."""
    incident = place.model_dump(mode="json")
    yield "mechanism_shapley", {**incident, "replicates": replicates}
    for driver in get_args(Driver):
        if driver != UNEXPLAINED:
            yield "lag_correlation", {**incident, "driver": driver}
    yield "metric_values", incident
    yield "metric_values", {**incident, "metric": "cx_score"}
    yield "top_slices", {**incident, "dimensions": [context.dataset.dimensions[-1]]}
    yield "change_points", {"metric": incident["metric"], "slice": incident["slice"]}
    asked = {"mechanism_shapley", "lag_correlation", *OF_LEADER, *done}
    for tool in TOOLS:
        if tool.__name__ not in asked:
            fields = REGISTRY[tool.__name__].arguments.model_fields
            yield tool.__name__, {name: value for name, value in incident.items() if name in fields}


def _of_leader(
    leader: HypothesisId | None,
    place: IncidentArguments,
    replicates: int,
    shares: Mapping[HypothesisId, float],
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """What is asked of a verdict's leading cause: the challenge, and by which ways its damage came."""
    incident = place.model_dump(mode="json")
    if leader is not None:
        yield "challenge", {**incident, "hypothesis": leader, "shares": shares}
    if leader is not None and leader in MODULES:
        yield "mechanism_paths", {**incident, "module": MODULES[leader], "replicates": replicates}


def _answers(context: ToolContext, name: str, arguments: Mapping[str, object]) -> bool:
    """Whether a tool has a result."""
    try:
        observe(REGISTRY[name], context, arguments, id="further:1")
    except (ToolFailure, NotTestableError):
        return False
    return True
