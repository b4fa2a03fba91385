"""Retrains the confidence model on a user's own resolved incidents: `cx calibrate --from-history`.

What people found to be true is the label; the evidence is that of the last investigation before the close, read back
from its stored report. Nothing is computed again: an incident without either is left out, and said to be.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from agents.report import InvestigationReport
from evals.fitting import ERRORS_NEEDED, FOLDS, TEMPERATURE_NEEDS, refit
from evals.samples import Sample
from tools.cause_found import CauseFound
from tools.confidence import ConfidenceModel
from tools.confidence.model import History, Training
from tools.features import CAUSES, outcome_z, read
from tools.findings import HypothesisId
from tools.incident_lifecycle import ClosedAs
from tools.incidents import Incident, Kind

if TYPE_CHECKING:
    from datetime import datetime

SEEDS: Final = "history"
"""Where the samples are from, in the record of training."""
LEAST: Final = 20
"""Incidents that are needed."""
LEAST_TROUBLES: Final = 2 * FOLDS
NAMED: Final = 3
"""Incidents that a refusal names of each reason."""
SURE_SE: Final = 2.0
"""A gain of fewer standard errors may be chance."""


@dataclass(frozen=True)
class Resolved:
    """An incident that ended."""

    incident: Incident
    closed_as: ClosedAs | None
    cause: CauseFound | None
    """That people found."""
    report: str | None
    """Document of the last investigation before the close: `agents.report.InvestigationReport` as JSON."""


class Unusable(StrEnum):
    """Why an incident teaches nothing."""

    RECORDS = "about faulty records, which the model does not judge"
    MERGED = "merged into another incident, which tells its cause"
    NO_CAUSE = "no cause stated: `cx cause INCIDENT CAUSE` does"
    NO_REPORT = "not investigated before the close"
    UNREADABLE = "evidence of another version of the product, which cannot be read"
    UNTESTED = "no cause could be tested on its data"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Skipped(_Model):
    """Incidents that were left out for one reason."""

    reason: str
    incidents: tuple[str, ...]
    """Ids."""


class HistoryReport(_Model):
    """What was learned from: the `--json` shape of `cx calibrate --from-history`."""

    used: tuple[str, ...]
    """Ids of the incidents."""
    troubles: int
    """Incidents of one cause at one time are one trouble, and stay together when folds are made."""
    skipped: tuple[Skipped, ...]
    prior: str
    """Fingerprint of the model that was the prior."""
    before: Training
    """How the prior judges the incidents, before the rules of adjudication."""
    after: Training
    """How the retrained model does, out of fold."""
    log_loss_gain: float
    """Mean log loss before less that after, nats an incident."""
    log_loss_gain_se: float
    better: bool
    """The gain is positive; otherwise nothing may be written."""
    temperature: float
    temperature_refitted: bool
    remarks: tuple[str, ...]
    """What to know before the model is used."""


@dataclass(frozen=True)
class Retrained:
    """The retrained model and what is said of it."""

    model: ConfidenceModel
    report: HistoryReport


class TooFewError(ValueError):
    """There is too little to learn from; the message says what is missing."""


class Taken(NamedTuple):
    """An incident that can be learned from."""

    incident: Incident
    cause: CauseFound
    sample: Sample
    blind: bool
    """Its cause could not be tested, so `other` is the right answer."""


def retrain(history: Sequence[Resolved], prior: ConfidenceModel) -> Retrained:
    """Learn from resolved incidents, with a model that has not seen them as the prior.

    Args:
        history: all resolved incidents; what cannot be used is counted with its reason.
        prior: the model on whose weights the Gaussian prior is centred.

    Raises:
        TooFewError: fewer than `LEAST` can be used, or they are of too few troubles to be held out.
    """
    taken, skipped = _sorted_out(history)
    samples = _by_trouble(taken)
    troubles = len({sample.world for sample in samples})
    if len(samples) < LEAST:
        raise TooFewError(_too_few(len(samples), skipped))
    if troubles < LEAST_TROUBLES:
        raise TooFewError(
            f"the {len(samples)} incidents are of {troubles} troubles (one cause at one time); "
            f"{LEAST_TROUBLES} are needed, to judge each by the others"
        )
    fitted = refit(samples, prior, seeds=SEEDS)
    record = History(
        prior=prior.fingerprint,
        incidents=tuple(one.incident.id for one in taken),
        temperature_refitted=fitted.temperature_refitted,
        before=fitted.before,
        log_loss_gain=fitted.gain,
        log_loss_gain_se=fitted.gain_se,
    )
    report = HistoryReport(
        used=record.incidents,
        troubles=troubles,
        skipped=skipped,
        prior=record.prior,
        before=fitted.before,
        after=fitted.after,
        log_loss_gain=fitted.gain,
        log_loss_gain_se=fitted.gain_se,
        better=fitted.gain > 0.0,
        temperature=fitted.model.temperature,
        temperature_refitted=fitted.temperature_refitted,
        remarks=_remarks(taken, record, fitted.after),
    )
    return Retrained(fitted.model.model_copy(update={"history": record}), report)


class _SortedOut(NamedTuple):
    taken: list[Taken]
    skipped: tuple[Skipped, ...]


def _sorted_out(history: Sequence[Resolved]) -> _SortedOut:
    taken: list[Taken] = []
    left_out: dict[Unusable, list[str]] = {reason: [] for reason in Unusable}
    for past in history:
        found = take(past)
        if isinstance(found, Unusable):
            left_out[found].append(past.incident.id)
        else:
            taken.append(found)
    skipped = (Skipped(reason=why.value, incidents=tuple(ids)) for why, ids in left_out.items() if ids)
    return _SortedOut(taken, tuple(skipped))


def take(past: Resolved) -> Taken | Unusable:
    """What an incident teaches, or why it teaches nothing."""
    if past.incident.kind is not Kind.CX:
        return Unusable.RECORDS
    if past.closed_as is ClosedAs.MERGED:
        return Unusable.MERGED
    if past.cause is None:
        return Unusable.NO_CAUSE
    if past.report is None:
        return Unusable.NO_REPORT
    try:
        return _read(past.incident, past.cause, past.report)
    except (ValueError, KeyError, TypeError):
        # Documents are kept for years; a shape that has changed since can raise any of these, and ends nothing.
        return Unusable.UNREADABLE


def _read(incident: Incident, cause: CauseFound, document: str) -> Taken | Unusable:
    report = InvestigationReport.model_validate_json(document)
    order = list(report.evidence)
    pool = {
        finding.hypothesis: [report.evidence[name] for name in sorted(finding.evidence, key=order.index)]
        for finding in (*report.findings, *report.ruled_out)
    }
    readings = {id_: read(id_, pool[id_]) for id_ in HypothesisId if pool.get(id_)}
    if not any(id_ in readings for id_ in CAUSES):
        return Unusable.UNTESTED
    blind = cause.value not in readings and cause not in (CauseFound.NONE, CauseFound.OTHER)
    label = CauseFound.OTHER.value if blind else cause.value
    seen = incident if report.incident is None else report.incident
    sample = Sample(0, "resolved", label, readings, outcome_z(pool, -seen.z))
    return Taken(incident, cause, sample, blind)


def _by_trouble(taken: Sequence[Taken]) -> list[Sample]:
    """The samples, numbered by trouble: incidents of one cause whose windows overlap are likely one trouble.

    Held apart, each would be judged by what was learned from its twin.
    """
    running: dict[CauseFound, tuple[int, datetime]] = {}
    number: dict[str, int] = {}
    for one in sorted(taken, key=lambda one: (one.incident.window.start, one.incident.id)):
        window = one.incident.window
        trouble, until = running.get(one.cause, (-1, window.start))
        if until <= window.start:
            trouble = max(number.values(), default=-1) + 1
        running[one.cause] = trouble, max(until, window.end)
        number[one.incident.id] = trouble
    return [replace(one.sample, world=number[one.incident.id]) for one in taken]


def _too_few(usable: int, skipped: Sequence[Skipped]) -> str:
    text = (
        f"{usable} of the resolved incidents can be learned from, {LEAST} are needed: {LEAST - usable} more"
    )
    if not skipped:
        return text
    return f"{text}. Left out: {'; '.join(map(_told, skipped))}"


def _told(skipped: Skipped) -> str:
    names = ", ".join(skipped.incidents[:NAMED])
    more = len(skipped.incidents) - NAMED
    return f"{len(skipped.incidents)} {skipped.reason} ({names}{f' and {more} more' if more > 0 else ''})"


def _remarks(taken: Sequence[Taken], record: History, after: Training) -> tuple[str, ...]:
    remarks = []
    if 0.0 < record.log_loss_gain < SURE_SE * record.log_loss_gain_se:
        remarks.append(f"the gain is less than {SURE_SE:g} standard errors: it may be chance")
    if after.confidently_wrong > record.before.confidently_wrong:
        remarks.append(
            f"it is sure of a wrong cause in {after.confidently_wrong:.1%} of the incidents, the prior in "
            f"{record.before.confidently_wrong:.1%}"
        )
    if not record.temperature_refitted:
        remarks.append(
            f"the prior's temperature was kept: to refit it needs {TEMPERATURE_NEEDS} incidents, and "
            f"{ERRORS_NEEDED} of them judged wrong"
        )
    blind = sum(one.blind for one in taken)
    if blind:
        remarks.append(
            f"the cause of {blind} could not be tested on their data; there `other` is the right answer"
        )
    labels = Counter(one.sample.label for one in taken)
    if CauseFound.NONE.value not in labels:
        remarks.append("no incident had the cause `none`: what ordinary variation looks like was not learned")
    if len(labels) == 1:
        remarks.append(f"every incident had the cause `{next(iter(labels))}`: nothing was told apart")
    return tuple(remarks)
