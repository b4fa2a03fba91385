"""The evidence vector of each hypothesis: read from evidence alone, so that anyone can compute it again.

Every hypothesis has the same features, on the same scale, so that the confidence model shares its weights over
hypotheses and can judge one that no simulated incident had. A feature that does not apply is `nan`; the model
puts the average in its place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import copysign, isnan, log1p, nan
from typing import Any, Final

from tools.evidence import Evidence
from tools.findings import HypothesisId

FEATURES: Final = ("shift", "moved", "share", "scope", "onset", "change")
"""Of a hypothesis:

- `shift`: signed log of its own driver's shift, given the parents, in standard errors; positive is harmful
- `moved`: the same, cut to 0-1 between 2 and 4 standard errors: whether it moved at all
- `share`: part of the worsening that the shift accounts for, 0 to 1
- `scope`: how much the slice stands out from the rest in it, or a change's overlap with the slice
- `onset`: its driver moved, and not after the outcome
- `change`: a recorded change matches in time and orders, and its effect survived placebo and pre-trend
"""

CONTEXT: Final = ("outcome", "beyond", "moved", "share")
"""Of the incident, for `none` and `other`:

- `outcome`: signed log of the worsening's standard score
- `beyond`: the same, cut to 0-1 between 3 and 6 standard errors: how far it is from what a search finds by chance
- `moved`, `share`: the largest of the hypotheses' own
"""

CAUSES: Final = tuple(id_ for id_ in HypothesisId if id_ is not HypothesisId.NORMAL_VARIANCE)
"""What can be the main cause; normal variance is the class `none`."""

Pool = Mapping[HypothesisId, Sequence[Evidence]]


@dataclass(frozen=True)
class Reading:
    """What a hypothesis's evidence amounts to."""

    shift: float = nan
    share: float = 0.0
    scope: float = nan
    onset: float = nan
    change: float = nan
    explained: float = 0.0
    """Share of the worsening, as measured; may be negative or above 1."""
    detectable: float = 9.0
    """Smallest share that would have been seen; above 1 there was no power."""
    marginal: float = 0.0
    """z of its driver before holding the parents."""

    def vector(self) -> tuple[float, ...]:
        """The features in the order of `FEATURES`."""
        return (squash(self.shift), moved(self.shift), self.share, self.scope, self.onset, self.change)


def squash(z: float) -> float:
    """Signed log1p.

    Example:
        >>> round(squash(-3.0), 3)
        -1.386
    """
    return copysign(log1p(abs(z)), z) if not isnan(z) else nan


def moved(z: float) -> float:
    """0 below two standard errors, 1 above four, linear between.

    Example:
        >>> moved(1.0), moved(3.0), moved(9.0)
        (0.0, 0.5, 1.0)
    """
    return min(max((z - 2.0) / 2.0, 0.0), 1.0) if not isnan(z) else nan


def beyond(z: float) -> float:
    """0 up to three standard errors, 1 from six on, linear between.

    The worst of many windows without a fault lies below five in nineteen cases of twenty and hardly ever above six; the
    logarithm alone would blur this edge.

    Example:
        >>> beyond(2.0), beyond(4.5), beyond(30.0)
        (0.0, 0.5, 1.0)
    """
    return min(max((z - 3.0) / 3.0, 0.0), 1.0)


def read(id_: HypothesisId, evidence: Sequence[Evidence]) -> Reading:
    """The reading of one hypothesis's evidence; an empty reading where there is none."""
    results: dict[str, dict[str, Any]] = {item.tool: item.result for item in evidence}
    if id_ in _CONTEXT_TOOLS:
        return _context(id_, results)
    if id_ is HypothesisId.POLICY_CHANGE:
        return _policy(results)
    return _driver(id_, results)


def outcome_z(pool: Pool, fallback: float) -> float:
    """Standard score of the incident's worsening, as `outcome_shift` found it; positive is worse."""
    for item in pool.get(HypothesisId.NORMAL_VARIANCE, ()):
        if item.tool == "outcome_shift":
            return float(item.result["z"])
    return fallback


def context(readings: Mapping[HypothesisId, Reading], z: float) -> tuple[float, ...]:
    """The incident's features in the order of `CONTEXT`."""
    tested = [reading for id_, reading in readings.items() if id_ in CAUSES]
    strongest = max((m for m in (moved(reading.shift) for reading in tested) if not isnan(m)), default=0.0)
    return squash(z), beyond(z), strongest, max((reading.share for reading in tested), default=0.0)


def _driver(id_: HypothesisId, results: Mapping[str, dict[str, Any]]) -> Reading:
    own = results.get("mechanism_shift")
    if own is None:
        return Reading()
    z, part, detectable = _root(id_, results, float(own["z_conditional"]))
    explained = float(own["explained_share"]) * part
    if id_ is HypothesisId.ETA_MODEL and "promise_shift" in results:
        # Counting late orders again under the old promise needs no model of how lateness answers to it.
        explained = max(explained, float(results["promise_shift"]["explained_share"]))
    order = results.get("onset_order")
    return Reading(
        shift=z,
        share=min(max(explained, 0.0), 1.0) * moved(z),
        scope=float(own["contrast_share"]) * moved(z),
        onset=float(order["in_order"]) if order else nan,
        change=_change(results) if id_ is HypothesisId.BATCHING_POLICY else nan,
        explained=explained,
        detectable=min(float(own["detectable_share"]), detectable),
        marginal=float(own["z_marginal"]),
    )


def _root(id_: HypothesisId, results: Mapping[str, dict[str, Any]], z: float) -> tuple[float, float, float]:
    """Z of the first mover, its part of the driver's shift, and what a test of it would have seen.

    A longer wait is not yet a lack of couriers: they must have been fewer, or orders more.
    """
    supply, volume = results.get("supply_shift"), results.get("volume_shift")
    if id_ is HypothesisId.COURIER_SUPPLY and supply:
        return min(z, -float(supply["z"])), float(supply["supply_part_share"]), _power(supply)
    if id_ is HypothesisId.DEMAND_SURGE and volume:
        part = 1.0 - float(supply["supply_part_share"]) if supply else 0.5
        return min(z, float(volume["z"])), part, _power(volume)
    if id_ is HypothesisId.INVENTORY and "stock_shift" in results:
        return max(z, min(float(results["stock_shift"]["z"]), z + 2.0)), 1.0, 9.0
    return z, 1.0, 9.0


def _power(result: Mapping[str, Any]) -> float:
    """A lack of a seventh of the couriers, or as many more orders, is what must be visible."""
    return 0.5 * float(result["detectable_share"]) / 0.15


def _change(results: Mapping[str, dict[str, Any]]) -> float:
    found = results.get("changes_in_scope")
    if found is None:
        return nan
    effect = results.get("policy_effect")
    return float(found["match_share"]) * (1.0 if effect is not None and effect["survived"] else 0.25)


def _policy(results: Mapping[str, dict[str, Any]]) -> Reading:
    found, own = results.get("changes_in_scope"), results.get("mechanism_shift")
    if found is None:
        return Reading()
    covered = float(found["covered_share"])
    if own is None or not covered:
        return Reading(shift=0.0, scope=0.0, onset=0.0, change=0.0, detectable=0.0 if not covered else 9.0)
    z, survived = float(own["z_conditional"]), bool(results.get("policy_effect", {}).get("survived"))
    explained = float(own["explained_share"]) * covered if survived else 0.0
    return Reading(
        shift=z if survived else min(z, 0.0),
        share=min(max(explained, 0.0), 1.0) * moved(z),
        scope=float(found["overlap_share"]) * moved(z),
        onset=float(abs(float(found["lag_s"])) <= 2 * 86_400.0),
        change=_change(results),
        explained=explained,
        detectable=float(own["detectable_share"]),
        marginal=float(own["z_marginal"]),
    )


_CONTEXT_TOOLS: Final[Mapping[HypothesisId, tuple[str, str]]] = {
    HypothesisId.MIX_SHIFT: ("mix_effect", "mix_share"),
    HypothesisId.EXTERNAL_SHOCK: ("context_overlap", "explained_share"),
    HypothesisId.DATA_QUALITY: ("completeness", "explained_share"),
    HypothesisId.NORMAL_VARIANCE: ("outcome_shift", "p_chance"),
}


def _context(id_: HypothesisId, results: Mapping[str, dict[str, Any]]) -> Reading:
    tool, field = _CONTEXT_TOOLS[id_]
    result = results.get(tool)
    if result is None:
        return Reading()
    z, explained = float(result["z"]), float(result[field])
    if id_ is HypothesisId.NORMAL_VARIANCE:
        return Reading(shift=z, detectable=0.0)
    return Reading(
        shift=z if explained > 0 else min(z, 0.0),
        share=min(max(explained, 0.0), 1.0) * moved(z),
        scope=float(result.get("contrast_share", nan)),
        explained=explained,
        detectable=0.2,
        marginal=z,
    )
