"""How often a period without any change is called a change, for slices of many kinds."""

from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from tools.dispersion import PRIOR_DAYS
from tools.significance import predictive_mid_p

Floats = npt.NDArray[np.float64]

ALPHA: Final = 0.0062
"""One-sided size of the classic threshold of 2.5 standard scores."""
RUNS: Final = 20_000
PRIOR: Final = 30.0


class SizeRow(BaseModel):
    """One kind of slice."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    orders: int
    """A period."""
    rate: float
    rho: float
    """Correlation of orders of one period."""
    periods: int
    """Of the baseline."""
    rejected: float
    """Share of periods below the threshold; nominal is .0062."""
    naive: float
    """The same by a plain z-score above 2.5."""


def sizes() -> tuple[SizeRow, ...]:
    """All 24 kinds: 20 to 300 orders, rates of 3 and 8 %, without and with correlation, 8 and 28 periods."""
    kinds = product((20, 60, 300), (0.03, 0.08), (0.0, 0.01), (8, 28))
    return tuple(size(orders=n, rate=p, rho=rho, periods=days) for n, p, rho, days in kinds)


def size(*, orders: int, rate: float, rho: float, periods: int) -> SizeRow:
    """One kind, over many simulated slices whose baseline and over-dispersion are learned from their past."""
    rng = np.random.default_rng([orders, round(1000 * rate), round(1000 * rho), periods])

    def draw(shape: int | tuple[int, int]) -> Floats:
        if not rho:
            return rng.binomial(orders, rate, shape).astype(np.float64)
        total = 1 / rho - 1
        return rng.binomial(orders, rng.beta(rate * total, (1 - rate) * total, shape)).astype(np.float64)

    past, now = draw((RUNS, periods)), draw(RUNS)
    trials = np.full(RUNS, float(orders))
    expected = (past.sum(axis=1) + PRIOR * rate) / (orders * periods + PRIOR)
    chance = orders * expected * (1 - expected)
    own = ((past - orders * expected[:, None]) ** 2 / chance[:, None]).sum(axis=1) / (periods - 1)
    weight = periods / (periods + PRIOR_DAYS)
    phi = np.maximum(weight * own + (1 - weight) * (1 + (orders - 1) * rho), 1.0)
    p = predictive_mid_p(now, trials, expected, phi=phi, history=trials * periods)
    z = (now - orders * expected) / np.sqrt(chance)
    return SizeRow(
        orders=orders,
        rate=rate,
        rho=rho,
        periods=periods,
        rejected=float(np.mean(p < ALPHA)),
        naive=float(np.mean(z > 2.5)),
    )
