"""The challenge: what would break the leading cause is tried, and what survived is said.

A leader that earlier windows show as strongly, or whose share of the worsening turns round when one part of the slice
is left out, is not confirmed (`tools.challenged`). Other slices that show it and rivals that account for as much are
said, and weaken the story, but do not undo it: the rival is weighed by adjudication already.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import Field

from tools.decomposition import BATCHED, Decomposition, Track, decomposition, load, track_of
from tools.driver_test import DriverTest
from tools.errors import ToolFailure
from tools.features import CAUSES
from tools.findings import HypothesisId
from tools.hypotheses import HYPOTHESES
from tools.incident_frame import GUARD, IncidentArguments, IncidentFrame, cut
from tools.left_out import LeftOut, ShareTracks, Shifts, leave_one_out, nothing_left_out
from tools.load import load_by_order
from tools.mechanism_shift import batching_at_load
from tools.memo import memo
from tools.outcomes import harm
from tools.placebos import MOST_DATES, Placebos, days_back, held, placebo_dates, placebo_slices, untried
from tools.registry import Cost, Result, ToolContext, tool


class ChallengeArguments(IncidentArguments):
    """Which leader of which incident."""

    hypothesis: HypothesisId
    """The leading cause."""
    shares: Mapping[HypothesisId, float] = Field(default_factory=dict)
    """Share of the worsening that each tested cause accounts for, as adjudication read it."""


class Rival(Result):
    """The other cause that accounts for most."""

    name: str
    passed: bool | None
    """It accounts for less than the leader; empty where no other cause was tested."""
    reason: str
    """Why it could not be tried; empty where it was."""
    rival: str | None
    rival_share: float | None
    """Of the worsening."""
    leader_share: float | None


class ChallengeResult(Result):
    """What was tried to break the leader, check by check."""

    hypothesis: str
    survived: bool
    """Neither the placebo dates nor leaving a part out broke it; otherwise it is not confirmed."""
    n_passed: int
    n_failed: int
    n_not_testable: int
    driver: str | None
    """What was tested; empty where the cause has no driver that is measured by order."""
    z: float | None
    """Of the driver's own shift in the incident, in standard errors between days; positive is harmful."""
    explained_share: float | None
    """Of the worsening, by the driver's own shift."""
    dates: Placebos
    slices: Placebos
    parts: LeftOut
    rival: Rival


@tool(cost=Cost.MODERATE)
def challenge(context: ToolContext, arguments: ChallengeArguments) -> ChallengeResult:
    """Tries to break a leading cause: earlier windows, other slices, parts of the slice left out, the best rival.

    Use it on the leader of an adjudication. It changes no probability; a leader that does not survive is not confirmed.
    """
    driver = HYPOTHESES[arguments.hypothesis].driver
    rival = best_rival(arguments.hypothesis, arguments.shares)
    if not driver:
        reason = "this cause has no driver that is measured by order"
        dates, slices = untried("placebo dates", reason), untried("placebo slices", reason)
        return _result(arguments.hypothesis, None, dates, slices, nothing_left_out(reason), rival)
    scene = _scene(context, arguments, driver)
    own = scene.tracks.own.shift(scene.parts.frame.during)
    if own is None:
        raise ToolFailure(f"not testable: {driver} is known for too few orders in the window or before it")
    shifts = Shifts(*(None if t is None else t.shift(scene.parts.frame.during) for t in scene.tracks))
    share = shifts.share(scene.parts, driver)
    return _result(
        arguments.hypothesis,
        (driver, scene.test.strength(own).z, share or 0.0),
        _dates(context, arguments, scene),
        placebo_slices(scene.test, own, arguments.slice),
        leave_one_out(scene.tracks, scene.parts, driver),
        rival,
    )


def best_rival(leader: HypothesisId, shares: Mapping[HypothesisId, float]) -> Rival:
    """The cause beside the leader that accounts for most of the worsening.

    Example:
        >>> ids = HypothesisId
        >>> best_rival(ids.INVENTORY, {ids.INVENTORY: 0.7, ids.ETA_MODEL: 0.2}).rival
        'eta_model'
    """
    others = {id_: share for id_, share in shares.items() if id_ is not leader and id_ in CAUSES}
    if leader not in shares or not others:
        reason = "no other cause was tested"
        return Rival(
            name="best rival", passed=None, reason=reason, rival=None, rival_share=None, leader_share=None
        )
    best = max(others, key=lambda id_: (others[id_], id_.value))
    return Rival(
        name="best rival",
        passed=others[best] < max(shares[leader], 1e-9),
        reason="",
        rival=best.value,
        rival_share=others[best],
        leader_share=shares[leader],
    )


class _Scene(NamedTuple):
    """The incident, and the driver's test on it."""

    parts: Decomposition
    test: DriverTest
    tracks: ShareTracks


def _scene(context: ToolContext, arguments: ChallengeArguments, driver: str) -> _Scene:
    parts = decomposition(context, arguments)
    if parts is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric} in the window or before it")
    at_load = batching_at_load(context, arguments)
    if driver == BATCHED and at_load is not None:
        test = DriverTest.of(parts.frame, parts, driver, load(context, arguments))
        own: Track | None = at_load
    else:
        test = DriverTest.of(parts.frame, parts, driver)
        own = test.track()
    if own is None:
        raise ToolFailure(f"not testable: {driver} is known for too few orders in the window or before it")
    return _Scene(parts, test, ShareTracks.of(test, own, parts, at_load))


def _dates(context: ToolContext, arguments: ChallengeArguments, scene: _Scene) -> Placebos:
    """The placebo dates, on a longer past where the data have one."""
    start, end, parts, test = arguments.start, arguments.end, scene.parts, scene.test
    frame = _past(context, arguments, parts.frame)
    if frame is parts.frame:
        return placebo_dates(test, scene.tracks.own, scene.tracks.whole, start, end)
    busy = None if test.busy is None else load_by_order(frame.rows, context.dataset.supply())
    longer = DriverTest.of(frame, parts, test.driver, busy)
    own, outcome = longer.track(), harm(frame.rows, parts.outcome_metric)
    if own is None:
        return untried("placebo dates", "the driver is known for too few orders")
    return placebo_dates(longer, own, track_of(frame, outcome, frame.inside), start, end)


def _past(context: ToolContext, arguments: ChallengeArguments, frame: IncidentFrame) -> IncidentFrame:
    """The incident's frame, or one with a longer past where that holds more earlier windows."""
    start, end, facts = arguments.start, arguments.end, context.dataset.facts()
    begin: datetime = facts["order_time"].iloc[0].to_pydatetime()
    shorter = max(begin, start - GUARD - timedelta(days=context.settings.baseline_days))
    if held(start, end, begin) == held(start, end, shorter):
        return frame
    first, step = days_back(start, end)
    days = first + (MOST_DATES - 1) * step
    key = ("incident_frame", arguments.slice, start, end, days)
    return memo(
        context.dataset,
        key,
        lambda: cut(facts, slice=arguments.slice, start=start, end=end, baseline_days=days),
    )


def _result(
    leader: HypothesisId,
    driver: tuple[str, float, float] | None,
    dates: Placebos,
    slices: Placebos,
    parts: LeftOut,
    rival: Rival,
) -> ChallengeResult:
    passed = [check.passed for check in (dates, slices, parts, rival)]
    name, z, share = driver if driver is not None else (None, None, None)
    return ChallengeResult(
        hypothesis=leader.value,
        survived=dates.passed is not False and parts.passed is not False,
        n_passed=passed.count(True),
        n_failed=passed.count(False),
        n_not_testable=passed.count(None),
        driver=name,
        z=z,
        explained_share=share,
        dates=dates,
        slices=slices,
        parts=parts,
        rival=rival,
    )
