"""Who gets the treatment: the random assignment of windows, stores and customers, and how to draw it again.

Windows are drawn in blocks: windows of one region, hour by hour, are cut into short runs, and the arms of a run are
shuffled. So every window is random, the arms never take turns, and hours of the day are shared evenly. Customers are
assigned by a hash of their id, so that they keep their arm for good and nobody has to keep a list.

References:
    Kernan, W. et al. (1999). Stratified randomization for clinical trials. Journal of Clinical Epidemiology 52(1).
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CONTROL: Final = "control"
TREATMENT: Final = "treatment"
ARMS: Final = (CONTROL, TREATMENT)

_BLOCKS: Final = range(4, 21)
"""Lengths of a run that are tried; shorter ones could be guessed."""
_TOLERANCE: Final = 1e-9


class Drawing(NamedTuple):
    """How the arms of some units were drawn; arrays of one entry a unit, in the units' order."""

    share: float
    """Of the units that get the treatment."""
    block: Ints | None
    """Number of the unit's run; None where every unit was drawn by itself."""
    slot: Ints | None
    """Place within the run."""
    length: int
    """Units of a full run."""
    units: int


def in_blocks(groups: Sequence[object], share: float) -> Drawing:
    """Runs of units that follow each other within a group; independent where no short run has this share.

    Args:
        groups: the group of every unit (the region, say), units of a group in the order to cut.
        share: of the units that get the treatment.
    """
    _check_share(share)
    size = len(groups)
    length = _run_length(share)
    if not length:
        return Drawing(share, None, None, 1, size)
    codes = pd.Series(pd.factorize(np.asarray(groups, dtype=object))[0])
    place = np.asarray(codes.groupby(codes).cumcount(), np.int64)
    runs = pd.DataFrame({"group": codes, "run": place // length})
    block = np.asarray(runs.groupby(["group", "run"], sort=False).ngroup(), np.int64)
    return Drawing(share, block, place % length, length, size)


def _run_length(share: float) -> int:
    """The shortest run that holds the share in whole units; 0 where none does."""
    return next((n for n in _BLOCKS if abs(n * share - round(n * share)) < _TOLERANCE), 0)


def as_drawn(block: Sequence[object], slot: Sequence[int], share: float) -> Drawing:
    """How units of an assignment were drawn, from the runs and places that `draw_windows` wrote down.

    Raises:
        ValueError: a place lies outside a run of this share.
    """
    length, places = _run_length(share), np.asarray(slot, np.int64)
    if not length:
        return independent(len(places), share)
    if len(places) and not 0 <= places.min() <= places.max() < length:
        raise ValueError(f"slot runs to {places.max()}, must lie below {length} at a share of {share:g}")
    codes = np.asarray(pd.factorize(np.asarray(block, dtype=object))[0], np.int64)
    return Drawing(share, codes, places, length, len(places))


def independent(units: int, share: float) -> Drawing:
    """Every unit by itself."""
    _check_share(share)
    return Drawing(share, None, None, 1, units)


def draw(how: Drawing, rng: np.random.Generator, *, times: int = 1) -> Bools:
    """Whether each unit gets the treatment; shape (times, units)."""
    if how.block is None or how.slot is None:
        return np.asarray(rng.random((times, how.units)) < how.share)
    runs = int(how.block.max()) + 1 if how.units else 0
    order = rng.random((times, runs, how.length)).argsort(axis=2).argsort(axis=2)
    chosen = order < round(how.share * how.length)
    return np.asarray(chosen[:, how.block, how.slot])


def draw_windows(windows: pd.DataFrame, *, share: float, seed: int) -> pd.DataFrame:
    """Arms of switchback windows.

    Args:
        windows: `region` (where there is one), `window_start`, `window_end`, and `position`, the window's place
            in the day.
        share: of the windows that get the treatment.
        seed: decides the draw.

    Returns:
        The windows in order of time with `arm`, `share`, `block` and `slot`.
    """
    keys = [name for name in ("region",) if name in windows]
    ordered = windows.sort_values([*keys, "position", "window_start"], kind="stable").reset_index(drop=True)
    groups = ordered["region"].tolist() if keys else [0] * len(ordered)
    how = in_blocks(groups, share)
    chosen = draw(how, np.random.default_rng(seed))[0]
    drawn = ordered.assign(
        arm=np.where(chosen, TREATMENT, CONTROL),
        share=share,
        block=np.arange(len(ordered)) if how.block is None else how.block,
        slot=0 if how.slot is None else how.slot,
    )
    return drawn.sort_values(["window_start", *keys], kind="stable").reset_index(drop=True)


def draw_stores(stores: Iterable[str], *, share: float, seed: int) -> pd.DataFrame:
    """Arms of stores: the asked share of them, whichever; columns `store_id`, `arm`, `share`."""
    _check_share(share)
    names = sorted(set(stores))
    rng = np.random.default_rng(seed)
    # The fraction of a store that is left over goes to either arm by chance, so that nobody is favoured.
    count = int(share * len(names) + rng.random())
    chosen = np.zeros(len(names), np.bool_)
    chosen[rng.permutation(len(names))[:count]] = True
    return pd.DataFrame(
        {"store_id": names, "arm": np.where(chosen, TREATMENT, CONTROL), "share": float(share)}
    )


def customer_arm(customer: str, *, experiment: str, share: float) -> str:
    """A customer's arm: the same for good, and independent of that in any other experiment.

    Example:
        >>> customer_arm("17", experiment="eta-buffer", share=0.5)
        'control'
    """
    digest = blake2b(f"{experiment}:{customer}".encode(), digest_size=8).digest()
    return TREATMENT if int.from_bytes(digest, "big") < share * 2**64 else CONTROL


def draw_customers(customers: Iterable[str], *, share: float, experiment: str) -> pd.DataFrame:
    """Arms of customers; columns `user_id`, `arm`, `share`."""
    _check_share(share)
    names = sorted(set(customers))
    arms = [customer_arm(name, experiment=experiment, share=share) for name in names]
    return pd.DataFrame({"user_id": names, "arm": arms, "share": float(share)})


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise ValueError(f"share = {share!r}, must lie between 0 and 1")
