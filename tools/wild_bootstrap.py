"""The restricted wild cluster bootstrap: is an effect larger than chance where stores are few?

With few clusters, or few treated ones, clustered errors are too small. Here the residuals of the model without the
effect change their sign (or their size) store by store, and the effect's t is held against its own distribution over
such worlds. With a single treated store no draw can speak; with two or three it rarely rejects, which errs on the safe
side (MacKinnon and Webb 2017).

References:
    A. C. Cameron, J. B. Gelbach, D. L. Miller (2008), Bootstrap-based improvements for inference with clustered errors.
    M. D. Webb (2023), Reworking wild bootstrap-based inference for clustered errors (six-point weights).
    D. Roodman, M. O. Nielsen, J. G. MacKinnon, M. D. Webb (2019), Fast and wild (all draws at once).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

import numpy as np

from tools.errors import ToolFailure
from tools.unit_periods import Flags, Floats, UnitPeriods

Weights = Literal["rademacher", "webb"]
DRAWS: Final = 999
WEBB_BELOW: Final = 13
"""Signs alone give fewer than 4,096 different worlds with as many stores or fewer."""
ENUMERATED: Final = 4_096
"""As many combinations of weights or fewer are all tried instead of drawn."""
MIN_TREATED: Final = 2
_SUPPORT: Final[dict[Weights, tuple[float, ...]]] = {
    "rademacher": (-1.0, 1.0),
    "webb": tuple(sign * size**0.5 for sign in (-1.0, 1.0) for size in (1.5, 1.0, 0.5)),
}
_CHUNK: Final = 2_000_000
"""Numbers held at once."""
_EQUAL: Final = 1e-9


@dataclass(frozen=True)
class WildBootstrap:
    """Where an effect stands among the worlds without it."""

    effect: float
    """In the outcome's unit."""
    t: float
    """Effect in clustered standard errors."""
    p: float
    """Two-sided; exact over all combinations of weights where `enumerated`, else (1 + as large) / (1 + draws)."""
    draws: int
    enumerated: bool


def wild_bootstrap(
    panel: UnitPeriods,
    treated: Flags,
    *,
    seed: int,
    draws: int = DRAWS,
    weights: Weights | None = None,
) -> WildBootstrap:
    """Test the effect of `treated`, with unit and period effects, clustered by unit.

    Args:
        panel: units by periods.
        treated: under treatment, shape (units, periods).
        seed: of the draws.
        draws: worlds, where not all are tried.
        weights: of the residuals; by default Webb's six with up to 12 units, else signs.

    Raises:
        ToolFailure: fewer than two units are treated or never are, or treatment does not vary within them.
    """
    seen = panel.w.sum(axis=1) > 0
    panel = UnitPeriods(panel.units[seen], panel.periods, panel.y[seen], panel.w[seen])
    treated = treated[seen]
    _require(treated, panel.w)
    parts = _Parts.of(panel, treated)
    units = len(panel.units)
    kind: Weights = weights or ("webb" if units < WEBB_BELOW else "rademacher")
    effect, t = parts.at(np.ones((units, 1)))
    support = np.array(_SUPPORT[kind])
    enumerated = bool(units * np.log(len(support)) <= np.log(ENUMERATED) + _EQUAL)
    large = total = 0
    for worlds in _all(support, units) if enumerated else _drawn(support, units, draws, seed):
        large += int(np.sum(np.abs(parts.at(worlds)[1]) >= abs(t[0]) * (1 - _EQUAL)))
        total += worlds.shape[1]
    p = large / total if enumerated else (1 + large) / (1 + total)
    return WildBootstrap(float(effect[0]), float(t[0]), p, total, enumerated)


def _all(support: Floats, units: int) -> Iterator[Floats]:
    yield np.array(list(product(support, repeat=units))).T


def _drawn(support: Floats, units: int, draws: int, seed: int) -> Iterator[Floats]:
    """In parts, so that many units do not fill the memory."""
    rng = np.random.default_rng(seed)
    size = max(_CHUNK // units, 1)
    for at in range(0, draws, size):
        yield rng.choice(support, (units, min(size, draws - at)))


def _require(treated: Flags, w: Floats) -> None:
    ever = np.asarray((treated & (w > 0)).any(axis=1))
    if min(int(ever.sum()), int((~ever).sum())) < MIN_TREATED:
        raise ToolFailure(
            f"not testable: {int(ever.sum())} treated of {len(ever)} stores, {MIN_TREATED} on each side are needed"
        )


@dataclass(frozen=True)
class _Parts:
    """Sums by unit from which the effect and its t follow in every world."""

    score: Floats
    """Regressor x restricted residual, shape (units,)."""
    square: Floats
    """Regressor squared, shape (units,)."""
    residual: Floats
    """Weighted restricted residuals, shape (units, periods)."""
    design: Floats
    """Weighted regressor x inverse of the periods, shape (units, periods)."""
    correction: float

    @classmethod
    def of(cls, panel: UnitPeriods, treated: Flags) -> "_Parts":
        left = panel.absorb(treated.astype(np.float64))
        residual = panel.w * panel.absorb(panel.y)
        square = (panel.w * left**2).sum(axis=1)
        if square.sum() < _EQUAL:
            raise ToolFailure("not testable: treatment does not vary beside stores and days")
        groups, n, k = len(panel.units), panel.cells, len(panel.periods)
        return cls(
            score=(left * residual).sum(axis=1),
            square=square,
            residual=residual,
            design=(panel.w * left) @ panel.period_inverse(),
            correction=groups / (groups - 1) * (n - 1) / max(n - k, 1),
        )

    def at(self, worlds: Floats) -> tuple[Floats, Floats]:
        """Effect and t where unit u's residuals are multiplied by worlds[u], shape (units, worlds) to (worlds,)."""
        effect = self.score @ worlds / self.square.sum()
        own = self.score[:, None] * worlds
        scores = own - self.design @ (self.residual.T @ worlds) - self.square[:, None] * effect
        variance = (scores**2).sum(axis=0) * self.correction / self.square.sum() ** 2
        error = np.sqrt(variance)
        return effect, np.divide(effect, error, out=np.zeros_like(effect), where=error > 0)
