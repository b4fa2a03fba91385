"""What to do about a running experiment: one rule after the other, the first that holds decides."""

from typing import Final, Literal, NamedTuple

from tools.experiment import ExperimentPlan
from tools.monitor_report import Action, Decision, HealthCheck, LookReading, MetricReading, Progress
from tools.trial_words import change

PROMISING: Final = 0.5
"""Share of the smallest effect worth seeing from which a result without proof is worth more time."""
_ACTIONS: Final[dict[str, Action]] = {
    "ship": "stop_and_ship",
    "extend": "extend",
    "stop": "roll_back",
    "roll_back": "roll_back",
}


class Situation(NamedTuple):
    """All that a decision may look at."""

    plan: ExperimentPlan
    progress: Progress
    health: tuple[HealthCheck, ...]
    metrics: tuple[MetricReading, ...]
    looks: tuple[LookReading, ...]

    def guardrails(self, status: str) -> tuple[MetricReading, ...]:
        """The guardrails with a status."""
        return tuple(m for m in self.metrics if m.role == "guardrail" and m.status == status)


def decide(now: Situation) -> Decision:
    """Health before harm, harm before benefit, benefit only at a planned look."""
    broken = [check for check in now.health if not check.passed]
    if broken:
        return Decision(
            action="stop_for_health",
            reason=f"{broken[0].name}: {broken[0].text}",
            next_step="Pause the treatment, find the reason, and begin again with a new assignment.",
        )
    crossed = now.guardrails("crossed")
    if crossed:
        return _roll_back(now, crossed[0])
    if now.progress.stage != "main":
        return _outside(now)
    return _by_looks(now)


def _roll_back(now: Situation, guardrail: MetricReading) -> Decision:
    return Decision(
        action="roll_back",
        reason=(
            f"guardrail {guardrail.metric} has crossed its limit: {change(guardrail)} against a limit of "
            f"{change(guardrail, guardrail.margin)}"
        ),
        next_step=_row(now, "worse", "crossed")
        or "Set the old setting back at once, then look for the cause.",
    )


def _outside(now: Situation) -> Decision:
    """Before and after the stage that decides."""
    progress = now.progress
    if progress.stage == "holdback":
        return Decision(
            action="continue",
            reason=f"the roll-out is complete, day {progress.day} of {progress.days_planned} with a holdback",
            next_step="Keep the holdback, and watch whether the slice stays inside its baseline band.",
        )
    if progress.days_left > 0:
        return Decision(
            action="continue",
            reason=f"day {progress.day} of {progress.days_planned} of the safety stage; no guardrail is crossed",
            next_step=f"Read again tomorrow; {progress.days_left} days are left before the share is raised.",
        )
    return Decision(
        action="ramp",
        reason=f"{progress.day} days at {progress.planned_share:.0%} without a guardrail crossed and with a sound split",
        next_step=f"Draw a new assignment at {now.plan.planned_share:.0%} and go on.",
    )


def _by_looks(now: Situation) -> Decision:
    past = [look for look in now.looks if look.z is not None]
    decided = next((look for look in past if look.crossed), None)
    if decided is not None and decided.crossed is not None:
        return _at_end(now, decided.crossed, _crossed_words(now, decided))
    days = now.progress
    if days.next_look_day is None and not past:
        return Decision(
            action="continue",
            reason=f"the primary metric could not be read on any planned day: {now.metrics[0].text}",
            next_step="Leave it running until both arms have units with outcomes; then read again.",
        )
    if not past or past[-1].day < now.plan.days:
        return Decision(
            action="continue",
            reason=(
                f"day {days.day} of {days.days_planned}; no guardrail is crossed, and the primary metric is not read "
                f"until day {days.next_look_day}"
            ),
            next_step="Leave it running; read health and guardrails again tomorrow.",
        )
    return _undecided(now, past[-1])


def _undecided(now: Situation, last: LookReading) -> Decision:
    """The last look has passed and shown nothing for certain."""
    words = f"read on day {last.day}: {_primary_words(now)}; chance is not ruled out (z {last.z:+.2f} of {last.z_bound:.2f})"
    promising = (now.metrics[0].target_share or 0.0) >= PROMISING
    if promising and last.day == now.plan.days:
        end = 2 * now.plan.days
        if now.progress.day > last.day:
            words += f"; extended once, the new days are read by themselves on day {end}"
        return _at_end(now, "promising", words)
    return _at_end(now, "flat", words)


def _at_end(
    now: Situation, primary: Literal["better", "promising", "flat", "worse"], reason: str
) -> Decision:
    """By the plan's own matrix of primary and guardrails."""
    guardrails = "open" if now.guardrails("open") else "kept"
    row = next(r for r in now.plan.decision_matrix if (r.primary, r.guardrails) == (primary, guardrails))
    waiting = ", ".join(m.metric for m in now.guardrails("open"))
    if waiting and row.decision == "extend":
        reason += f"; not yet ruled out: harm to {waiting}"
    return Decision(action=_ACTIONS[row.decision], reason=reason, next_step=row.next_step)


def _row(now: Situation, primary: str, guardrails: str) -> str | None:
    found = (
        r.next_step for r in now.plan.decision_matrix if (r.primary, r.guardrails) == (primary, guardrails)
    )
    return next(found, None)


def _crossed_words(now: Situation, look: LookReading) -> str:
    return f"the look of day {look.day} has crossed its bound (z {look.z:+.2f} of {look.z_bound:.2f}): {_primary_words(now)}"


def _primary_words(now: Situation) -> str:
    primary = now.metrics[0]
    return f"{primary.metric} {change(primary)} ({change(primary, primary.low)} to {change(primary, primary.high)})"
