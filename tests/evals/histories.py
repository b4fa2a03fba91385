"""Resolved incidents with made-up evidence, in the shape in which the service keeps them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import numpy as np

from agents.report import InvestigationReport
from evals.history import Resolved, Taken, take
from tests.server.fakes import NOW, make_incident, make_report
from tools.cause_found import CauseFound
from tools.confidence import ConfidenceModel
from tools.evidence import Evidence
from tools.findings import HypothesisId
from tools.incident_lifecycle import ClosedAs
from tools.incidents import Incident, Window

DRIVERS: Final = (HypothesisId.MERCHANT_PREP, HypothesisId.BATCHING_POLICY, HypothesisId.INVENTORY)
NAMES: Final = tuple(CauseFound(id_.value) for id_ in DRIVERS)


def one_a_week(number: int) -> Incident:
    """Incident number `number`, long after the one before."""
    start = NOW - timedelta(weeks=number + 1)
    window = Window(start=start, end=start + timedelta(days=2))
    return make_incident(f"I{number}").model_copy(update={"window": window, "onset": start})


def like_ours(rng: np.random.Generator, cause: CauseFound) -> dict[HypothesisId, dict[str, float]]:
    """The cause's driver moves most and explains most, as in the simulated worlds."""
    return {
        id_: _moved(rng, z=9.0, share=0.8, in_order=True)
        if id_.value == cause.value
        else _moved(rng, z=0.5, share=0.0, in_order=False)
        for id_ in DRIVERS
    }


def unlike_ours(rng: np.random.Generator, cause: CauseFound) -> dict[HypothesisId, dict[str, float]]:
    """A driver that follows late moves more than the cause's own, which moves first: our model blames the former."""
    others = [id_ for id_ in DRIVERS if id_.value != cause.value]
    late = others[int(rng.integers(len(others)))]
    found = {}
    for id_ in DRIVERS:
        if id_.value == cause.value:
            found[id_] = _moved(rng, z=3.5, share=0.25, in_order=True)
        elif id_ is late:
            found[id_] = _moved(rng, z=6.0, share=0.5, in_order=False)
        else:
            found[id_] = _moved(rng, z=0.0, share=0.0, in_order=False)
    return found


def _moved(rng: np.random.Generator, *, z: float, share: float, in_order: bool) -> dict[str, float]:
    return {
        "z": float(rng.normal(z, 0.7)),
        "share": float(np.clip(rng.normal(share, 0.05), 0, 1)),
        "in_order": float(in_order),
    }


def report(incident: Incident, found: dict[HypothesisId, dict[str, float]], z: float) -> InvestigationReport:
    """A finished investigation with this evidence."""
    evidence: dict[str, Evidence] = {}

    def add(tool: str, result: dict[str, Any]) -> str:
        name = f"E{len(evidence) + 1}"
        evidence[name] = Evidence(id=name, tool=tool, arguments={}, result=result, fingerprint="f" * 32)
        return name

    cited: dict[HypothesisId, tuple[str, ...]] = {}
    cited[HypothesisId.NORMAL_VARIANCE] = (add("outcome_shift", {"z": z, "p_chance": 0.0}),)
    for id_, one in found.items():
        mechanism = {
            "z_conditional": one["z"],
            "z_marginal": one["z"],
            "explained_share": one["share"],
            "contrast_share": one["share"],
            "detectable_share": 0.1,
        }
        cited[id_] = (
            add("mechanism_shift", mechanism),
            add("onset_order", {"in_order": bool(one["in_order"])}),
        )
    plain = make_report(incident)
    finding = plain.findings[0]
    findings = [finding.model_copy(update={"hypothesis": id_, "evidence": ids}) for id_, ids in cited.items()]
    return plain.model_copy(
        update={"findings": tuple(findings[:2]), "ruled_out": tuple(findings[2:]), "evidence": evidence}
    )


def past(number: int, seed: int, *, alike: bool, mistaken: float = 0.1) -> Resolved:
    """A resolved incident: in turn one of three causes, and every fourth an ordinary variation.

    Args:
        number: counts the incidents of a history.
        seed: of the history.
        alike: whether causes look as in the simulated worlds.
        mistaken: chance that the cause that is stated is none of what was seen.
    """
    rng = np.random.default_rng([seed, number])
    incident = one_a_week(number)
    cause = (*NAMES, CauseFound.NONE)[number % 4]
    made = (like_ours if alike else unlike_ours)(rng, cause)
    if cause is CauseFound.NONE:
        made = {id_: _moved(rng, z=0.3, share=0.0, in_order=False) for id_ in DRIVERS}
    z = float(rng.normal(4.0 if cause is CauseFound.NONE else 10.0, 1.0))
    stated = NAMES[int(rng.integers(len(NAMES)))] if rng.random() < mistaken else cause
    return Resolved(incident, ClosedAs.RECOVERED, stated, report(incident, made, z).model_dump_json())


def history(
    size: int, seed: int, *, alike: bool = False, first: int = 0, mistaken: float = 0.1
) -> list[Resolved]:
    """Several, oldest last."""
    return [past(number, seed, alike=alike, mistaken=mistaken) for number in range(first, first + size)]


def as_judged(size: int, seed: int, model: ConfidenceModel) -> list[Resolved]:
    """Ambiguous evidence, and causes drawn from what the model says of it: there is nothing for it to learn."""
    made = []
    for number in range(size):
        rng = np.random.default_rng([seed, number])
        incident = one_a_week(number)
        found = {
            id_: _moved(rng, z=rng.uniform(0, 6), share=rng.uniform(0, 0.6), in_order=bool(rng.integers(2)))
            for id_ in DRIVERS
        }
        document = report(incident, found, float(rng.uniform(3, 12))).model_dump_json()
        blank = Resolved(incident, ClosedAs.RECOVERED, CauseFound.NONE, document)
        taken = take(blank)
        assert isinstance(taken, Taken)
        p = model.judge(taken.sample.readings, taken.sample.z)
        said = {CauseFound(id_.value): value for id_, value in p.primary.items()}
        said |= {CauseFound.NONE: p.none, CauseFound.OTHER: p.other}
        cause = list(said)[int(rng.choice(len(said), p=list(said.values())))]
        made.append(replace(blank, cause=cause))
    return made
