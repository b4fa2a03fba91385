"""A switchback read: windows of a region under one arm or the other, compared window by window.

Orders of the first minutes of a window still feel the arm before it and are left out. Windows are compared within
their region and time of day (within the runs that their arms were shuffled in, where those are known), weighted by
what was counted in them, with errors clustered by window; the randomisation test draws the assignment again as it was
drawn and asks how often chance alone does as much.

References:
    Bojinov, I., Simchi-Levi, D., Zhao, J. (2023). Design and analysis of switchback experiments.
    Management Science 69(7).
    Hu, Y., Wager, S. (2022). Switchback experiments under geometric mixing (burn-in).
    Wu, J., Ding, P. (2021). Randomization tests for weak null hypotheses. JASA 116(536).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tools.arm_difference import Difference, Units, difference, units, within
from tools.assignment import Drawing, draw
from tools.power import ALPHA

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_WINDOWS: Final = 8
"""Windows that a stratum holds on average; with fewer, wider strata are taken."""
LEAST_OF_RUN: Final = 3
"""Windows that a run of the assignment holds on average before windows are compared within runs."""
DRAWS: Final = 2000
_AT_ONCE: Final = 250
"""Assignments held in memory together."""


def sum_windows(
    orders: pd.DataFrame, *, keys: Sequence[str], sums: Sequence[str], since: str, burn_in_s: float
) -> pd.DataFrame:
    """Sums of every window, the orders of its first seconds left out.

    Args:
        orders: one row an order.
        keys: columns that name its window.
        sums: columns to add up.
        since: column of the seconds from the window's start to the order.
        burn_in_s: seconds that are left out.

    Returns:
        `keys` and `sums`, one row a window that has orders after the burn-in, sorted by the keys.
    """
    if burn_in_s < 0:
        raise ValueError(f"burn_in_s = {burn_in_s!r}, must not be negative")
    settled = orders[orders[since] >= burn_in_s]
    return settled.groupby([*keys], observed=True, as_index=False)[[*sums]].sum()


def strata(windows: pd.DataFrame, levels: Sequence[Sequence[str]]) -> Ints:
    """Strata of the windows, by the finest columns that leave enough windows in a stratum; else all in one.

    The choice looks at how many windows there are, never at outcomes.

    Args:
        windows: one row a window.
        levels: columns to combine, finest first, such as `[["region", "weekday", "position"], ["region"]]`.
    """
    for columns in levels:
        if set(columns) <= set(windows):
            number = windows.groupby([*columns], observed=True, sort=True).ngroup().to_numpy(np.int64)
            if len(windows) >= LEAST_WINDOWS * (number.max(initial=0) + 1):
                return np.asarray(number)
    return np.zeros(len(windows), np.int64)


def compared_within(windows: pd.DataFrame, levels: Sequence[Sequence[str]], *, run: str = "block") -> Ints:
    """What windows are compared within: the runs that their arms were drawn in, else `strata`.

    Arms that were shuffled within runs differ less than arms drawn one by one; only a comparison within runs knows it.

    Args:
        windows: one row a window, with `run` where the assignment tells it.
        levels: see `strata`.
        run: column of the runs.
    """
    if run in windows:
        columns = [name for name in ("share", run) if name in windows]
        number = np.asarray(windows.groupby(columns, sort=True).ngroup(), np.int64)
        if len(windows) >= LEAST_OF_RUN * (number.max(initial=0) + 1):
            return number
    return strata(windows, levels)


def own_past(
    windows: pd.DataFrame, history: pd.DataFrame, *, keys: Sequence[str], top: str, bottom: str
) -> Floats:
    """The ratio of the same hours before the trial, for every window; that of all hours where it has none.

    Args:
        windows: with the columns `keys`.
        history: sums of windows before the trial, with `keys`, `top` and `bottom`.
        keys: what makes windows alike, such as region and position in the day.
        top: counted.
        bottom: out of.
    """
    whole = float(history[bottom].sum())
    if whole <= 0:
        return np.zeros(len(windows))
    everywhere = float(history[top].sum()) / whole
    sums = history.groupby([*keys], observed=True, as_index=False)[[top, bottom]].sum()
    sums = sums[sums[bottom] > 0]
    ratios = sums[[*keys]].assign(past=sums[top] / sums[bottom])
    found = windows[[*keys]].merge(ratios, on=[*keys], how="left")["past"]
    return np.asarray(found.fillna(everywhere).to_numpy(np.float64))


def effect(
    windows: pd.DataFrame,
    *,
    top: str,
    bottom: str,
    treated: str = "treated",
    levels: Sequence[Sequence[str]] = (("region", "position"), ("region",)),
    past: Floats | None = None,
    alpha: float = ALPHA,
) -> Difference:
    """The effect of the treatment on `top / bottom`, read window by window.

    Args:
        windows: one row a window: sums, `treated` (true or false), and the columns of `levels`.
        top: counted, such as orders on time.
        bottom: out of, such as orders delivered; ones for a mean over windows.
        treated: whether the window had the treatment.
        levels: what may be compared with what; see `compared_within`.
        past: from `own_past`.
        alpha: two-sided level.

    Raises:
        ToolFailure: too few windows of an arm, or no stratum with both.
    """
    return difference(arms_of(windows, top, bottom, treated=treated, levels=levels, past=past), alpha=alpha)


def arms_of(
    windows: pd.DataFrame,
    top: str,
    bottom: str,
    *,
    treated: str = "treated",
    levels: Sequence[Sequence[str]] = (("region", "position"), ("region",)),
    past: Floats | None = None,
) -> Units:
    """The windows as units of `tools.arm_difference`."""
    return units(
        windows[top].to_numpy(np.float64),
        windows[bottom].to_numpy(np.float64),
        windows[treated].to_numpy(np.bool_),
        stratum=compared_within(windows, levels),
        past=past,
    )


def randomisation_p(given: Units, how: Drawing, *, seed: int, draws: int = DRAWS) -> float:
    """How often an assignment drawn the same way does at least as much by chance alone.

    The effect is compared in units of its own error under each assignment, which keeps the test honest where the
    treatment changes the spread and not the mean.

    Args:
        given: the windows, in the order of `how`.
        how: how the arms were drawn.
        seed: of the draws.
        draws: assignments to compare with; the smallest p is `1 / (draws + 1)`.
    """
    if how.units != len(given.top):
        raise ValueError(f"how draws {how.units} units, must draw {len(given.top)} as there are")
    known = given.known
    kept = given.keep(known)
    value = within(kept.top / kept.bottom - kept.past, kept.bottom, kept.stratum)
    seen = abs(_scores(kept.treated[None, :], value, kept)[0])
    rng = np.random.default_rng(seed)
    as_large = 0
    for first in range(0, draws, _AT_ONCE):
        chosen = draw(how, rng, times=min(_AT_ONCE, draws - first))[:, known]
        as_large += int((np.abs(_scores(chosen, value, kept)) >= seen - 1e-12).sum())
    return (1 + as_large) / (draws + 1)


def _scores(chosen: npt.NDArray[np.bool_], value: Floats, kept: Units) -> Floats:
    """Effect over its clustered error for every assignment; shape (assignments,)."""
    weight = kept.bottom
    member = np.eye(int(kept.stratum.max()) + 1)[kept.stratum]
    total = np.maximum(weight @ member, 1e-12)
    arm = chosen - ((chosen * weight) @ member / total) @ member.T
    information = np.maximum((weight * arm**2).sum(axis=1), 1e-12)
    estimate = (weight * arm * value).sum(axis=1) / information
    residual = value - estimate[:, None] * arm
    error = np.sqrt(((weight * arm * residual) ** 2).sum(axis=1)) / information
    return np.asarray(np.divide(estimate, error, out=np.zeros_like(estimate), where=error > 1e-15))
