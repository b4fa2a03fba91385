"""`cx demo --story`: one incident from the first alarm to resolved."""

from typing import TYPE_CHECKING, NamedTuple

from server.cli.exits import CommandError, ExitCode

if TYPE_CHECKING:
    from rich.table import Table

    from agents.report import InvestigationReport
    from evals.story import Comparison, Experiment, Story
    from server.settings import Settings
    from tools.incidents import Incident
    from tools.monitor_report import MonitorReport
    from tools.resolution import MeasuredEffect, Resolution


class _Found(NamedTuple):
    """What the product knew on the morning that it had something to recommend."""

    morning: int
    incident: "Incident"
    report: "InvestigationReport"


def tell(settings: "Settings", *, seed: int) -> None:
    """Tell the story, step by step.

    Raises:
        CommandError: the world of this seed gives no story, with the step on which it ended.
    """
    from evals.story import EARLY_DAY, Story, StoryError
    from server.cli.console import show, step
    from server.cli.monitor_view import show_monitor
    from tools.resolution import measured

    story = Story.of(seed)
    with step("1/6 A delivery business, quarter of a year, with a fault in it"):
        _ = story.untreated
    try:
        found = _first_alarm(story, settings)
        experiment = _experiment(story, found)
    except StoryError as ended:
        raise CommandError(f"{ended}; another --seed may help", ExitCode.NEGATIVE) from ended
    for title, stage, day in (
        ("the safety stage is over", 0, experiment.plan.rollout[0].days),
        (f"day {EARLY_DAY}", 1, EARLY_DAY),
    ):
        with step(f"4/6 Reading the experiment: {title}"):
            read = experiment.read(day, stage=stage)
        show_monitor(read)
    read = _last_reading(experiment)
    show_monitor(read)
    effect = measured(read)
    if read.decision.action != "stop_and_ship" or effect is None:
        show(f"The plan says: {read.decision.action.replace('_', ' ')}. The incident stays open.")
    else:
        with step("6/6 For all orders; is the slice back to normal?"):
            resolution = experiment.roll_out(effect).resolution(found.incident)
        _close(settings, found, resolution, effect, read)
    show(_compared(experiment.compared(found.report.recommendations[0], read)))


def _first_alarm(story: "Story", settings: "Settings") -> _Found:
    from agents.events import NullSink
    from evals.story import MORNINGS, StoryError, first_incident
    from server.analysis import detect_incidents, investigate_dataset
    from server.cli.console import show, step
    from server.wording import moment
    from tools.wording import scope_words

    for number in range(1, MORNINGS + 1):
        as_of = story.morning(number)
        with step(f"2/6 Morning {number}, {moment(as_of)}: looking for incidents"):
            known = story.untreated.at(as_of)
            incident = first_incident(detect_incidents(known).incidents)
        if incident is None:
            show(f"Morning {number}: nothing stands out.")
            continue
        with step("2/6 Investigating it"):
            report = investigate_dataset(known, sink=NullSink(), settings=settings, incident=incident)
        cause = report.findings[0].hypothesis.value if report.findings else "nothing"
        show(
            f"Morning {number}: {incident.metric} in {scope_words(incident.slice)}, verdict {report.verdict.value}, "
            f"cause {cause.replace('_', ' ')}; to do: {report.recommendations[0].action.replace('_', ' ')}."
        )
        if report.experiment_plan is not None:
            return _Found(number, incident, report)
    raise StoryError(f"no incident with something to try was found on {MORNINGS} mornings")


def _experiment(story: "Story", found: _Found) -> "Experiment":
    from server.cli.console import show, step
    from tools.wording import scope_words

    plan = found.report.experiment_plan
    if plan is None:
        raise AssertionError("an alarm is only returned with a plan")
    looks = ", ".join(str(look.day) for look in plan.looks)
    show(
        f"Plan: {plan.title}, tried in {scope_words(plan.scope)} for {plan.days} days after "
        f"{plan.rollout[0].days} days at {plan.rollout[0].exposure_share:.0%}; read on days {looks}; sized to see "
        f"{plan.mde_pp:.1f} pp."
    )
    with step("3/6 Running the world forward under the plan's random assignment"):
        return story.experiment(plan, morning=found.morning, seed=story.world.config.seed)


def _last_reading(experiment: "Experiment") -> "MonitorReport":
    """At the end, or after the one extension that a plan may have."""
    from server.cli.console import step

    days = experiment.plan.days
    with step(f"5/6 Reading the experiment: day {days}, the last"):
        read = experiment.read(days)
    if read.decision.action != "extend":
        return read
    with step(f"5/6 Extended once; reading it on day {2 * days}"):
        return experiment.read(2 * days)


def _close(
    settings: "Settings",
    found: _Found,
    resolution: "Resolution",
    effect: "MeasuredEffect",
    read: "MonitorReport",
) -> None:
    """What was shown of the slice, and what is remembered of it."""
    from knowledge import open_store
    from knowledge.memory import Resolution as Remembered
    from server.cli.console import near, show

    for condition in resolution.conditions:
        show(f"{'met' if condition.met else 'NOT MET'}: {condition.text}")
    if resolution.closed_as is None:
        show(f"The incident stays open. {resolution.next_step}")
        return
    primary, cause = read.metrics[0], found.report.findings[0]
    folder = settings.state_dir / "story" / "knowledge"
    store = open_store(folder)
    store.memory.remember(
        Remembered(
            incident=found.incident.id,
            metric=found.incident.metric,
            slice=found.incident.slice,
            cause=cause.hypothesis,
            action=found.report.recommendations[0].action,
            closed_as=resolution.closed_as,
            closed_at=effect.read_at,
            effect_pp=None if primary.effect is None else 100 * primary.effect,
            summary=f"CX index {effect.estimate:+.1f} ({effect.low:+.1f} to {effect.high:+.1f}) in its experiment.",
        )
    )
    show(
        f"Resolved, closed as {resolution.closed_as}; remembered in {near(folder)} ({len(store.memory)} resolution)."
    )


def _compared(rows: "tuple[Comparison, ...]") -> "Table":
    from rich import box
    from rich.table import Table

    from tools.metrics import METRICS
    from tools.wording import amount

    table = Table(box=box.SIMPLE_HEAD, title="Planned, measured, true", title_justify="left")
    for name in ("metric", "planned", "measured", "95 %", "true"):
        table.add_column(name, justify="left" if name == "metric" else "right")
    for row in rows:
        unit = METRICS[row.metric].unit
        values = (row.planned, row.measured, row.low, row.high, row.truth)
        planned, measured, low, high, truth = (
            "-" if value is None else amount(value, unit, signed=True) for value in values
        )
        table.add_row(METRICS[row.metric].title, planned, measured, f"{low} to {high}", truth)
    return table
