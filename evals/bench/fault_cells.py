"""Cells of one bad day with known causes, and of the days before it: what localising is measured on.

Stores lie in regions; orders differ by store, category, basket and hour, and so do their rates. A cause is a
conjunction of one to three dimensions, a range of hours being one of them, in which harm becomes likelier.
Expectations come from the days before by the product's own method, over-dispersion by the same days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.slices import HourRange, Slice
from tools.expectation import expected_rates, over_dispersion
from tools.waterfall import rows_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DAYS: Final = 28
LEAST_ORDERS: Final = 120
"""Of a cause, on the bad day."""
MOST_SHARE: Final = 0.3
"""Of all orders, that a cause covers."""
_LIFT: Final = (0.10, 0.24)
_TRIES: Final = 2000


class Noise(NamedTuple):
    """How much a day tells."""

    name: str
    orders: int
    """A day."""
    rho: float
    """Correlation of orders of one cell on one day."""
    shock: float
    """Standard deviation of a store's day, on the log-odds."""


LEVELS: Final = (
    Noise("low", 60_000, 0.0, 0.0),
    Noise("medium", 30_000, 0.05, 0.05),
    Noise("high", 15_000, 0.10, 0.10),
)


@dataclass(frozen=True)
class Layout:
    """Which cells there are."""

    sizes: Mapping[str, int]
    """Values of each dimension; the first is `store`."""
    regions: int

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions, `region` first."""
        return ("region", *self.sizes)

    def cells(self) -> pd.DataFrame:
        """Every combination with every hour."""
        shape = (*self.sizes.values(), 24)
        numbers = np.indices(shape).reshape(len(shape), -1)
        columns = {"region": np.char.add("region", (numbers[0] % self.regions).astype(str))}
        for name, number in zip(self.sizes, numbers, strict=False):
            columns[name] = np.char.add(name, number.astype(str))
        return pd.DataFrame({**columns, "hour": numbers[-1]})


USUAL: Final = Layout({"store": 40, "category": 3, "basket": 3}, regions=8)
"""8,640 leaves."""
LARGE: Final = Layout({"store": 186, "category": 3, "basket": 3}, regions=8)
"""40,176 leaves."""


@dataclass(frozen=True)
class FaultCase:
    """A bad day."""

    cells: pd.DataFrame
    """The dimensions, `hour`, `n`, `y` and `expected`."""
    dims: tuple[str, ...]
    truth: tuple[Slice, ...]
    phi: float


def fault_case(
    layout: Layout,
    noise: Noise,
    *,
    causes: int,
    n_dims: int,
    seed: int,
    planted: tuple[Slice, ...] = (),
    lift: float | None = None,
) -> FaultCase:
    """A day with so many causes of so many dimensions each.

    Args:
        layout: the cells.
        noise: how much the day tells.
        causes: how many slices got worse.
        n_dims: dimensions that each of them fixes, a range of hours counting as one.
        seed: of everything.
        planted: the causes themselves, instead of random ones.
        lift: rise of the probability of harm; by default random for each cause.

    Example:
        >>> case = fault_case(USUAL, LEVELS[0], causes=2, n_dims=2, seed=1)
        >>> len(case.truth), {len(cause.dimensions) for cause in case.truth}
        (2, {2})
    """
    rng = np.random.default_rng(seed)
    cells = layout.cells()
    codes = {name: _codes(cells[name]) for name in (*layout.dims, "hour")}
    rate, volume = _usual(codes, rng)
    volume *= noise.orders / volume.sum()
    past = [_day(codes["store"], volume, rate, noise, rng) for _ in range(DAYS)]
    trials, harm = (np.sum([getattr(day, part) for day in past], axis=0) for part in ("n", "y"))
    expected = np.minimum(expected_rates(trials, harm, list(codes.values())), 1.0)
    truth = planted or _causes(cells, layout, volume, causes, n_dims, rng)
    raised = rate.copy()
    for cause in truth:
        raised[rows_of(cells, cause)] += rng.uniform(*_LIFT) if lift is None else lift
    today = _day(codes["store"], volume, np.minimum(raised, 0.95), noise, rng)
    table = cells.assign(n=today.n, y=today.y, expected=today.n * expected)
    return FaultCase(table, layout.dims, truth, _phi(past, expected, codes, layout.dims))


class _Day(NamedTuple):
    n: Floats
    y: Floats


def _codes(values: pd.Series) -> Ints:
    return np.asarray(pd.factorize(values)[0], dtype=np.int64)


def _usual(codes: Mapping[str, Ints], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rate of harm and relative volume of every cell."""
    spread = {"region": 0.2, "store": 0.2, "category": 0.3, "basket": 0.2, "hour": 0.1}
    logit = np.full(len(codes["hour"]), -2.5)
    volume = np.ones(len(codes["hour"]))
    for name, code in codes.items():
        size = int(code.max()) + 1
        logit += rng.normal(0, spread.get(name, 0.2), size)[code]
        if name != "hour":
            volume *= rng.lognormal(0, 0.4, size)[code]
    clock = np.arange(24)
    volume *= (0.15 + np.exp(-((clock - 12.5) ** 2) / 5) + 1.4 * np.exp(-((clock - 19) ** 2) / 7))[
        codes["hour"]
    ]
    return np.asarray(1 / (1 + np.exp(-logit))), volume


def _day(store: Ints, volume: Floats, rate: Floats, noise: Noise, rng: np.random.Generator) -> _Day:
    n = rng.poisson(volume).astype(np.int64)
    chance = rate
    if noise.shock:
        shock = np.exp(rng.normal(0, noise.shock, int(store.max()) + 1))[store]
        chance = chance * shock / (1 - chance + chance * shock)
    if noise.rho:
        weight = 1 / noise.rho - 1
        chance = rng.beta(chance * weight, (1 - chance) * weight)
    return _Day(n.astype(np.float64), rng.binomial(n, chance).astype(np.float64))


def _phi(past: list[_Day], expected: Floats, codes: Mapping[str, Ints], dims: tuple[str, ...]) -> float:
    def sums(values: list[Floats]) -> Floats:
        parts = [np.bincount(codes[name], weights=one) for one in values for name in dims]
        return np.concatenate(parts).astype(np.float64)

    awaited = [day.n * expected for day in past]
    variance = [one * (1 - expected) for one in awaited]
    stray = over_dispersion(sums([day.y for day in past]), sums(awaited), sums(variance))
    return stray * (1 + 1 / len(past))


def _causes(
    cells: pd.DataFrame, layout: Layout, volume: Floats, causes: int, n_dims: int, rng: np.random.Generator
) -> tuple[Slice, ...]:
    """Random slices with enough orders that mostly do not overlap."""
    found: list[Slice] = []
    taken: list[Bools] = []
    for _ in range(_TRIES):
        if len(found) == causes:
            break
        cause = _cause(cells, layout, n_dims, rng)
        rows = rows_of(cells, cause)
        orders = float(volume[rows].sum())
        apart = all(volume[rows & other].sum() <= 0.2 * orders for other in taken)
        apart &= not any(_adjoin(cause, other) for other in found)
        if LEAST_ORDERS <= orders <= MOST_SHARE * volume.sum() and apart:
            found.append(cause)
            taken.append(rows)
    return tuple(found)


def _adjoin(one: Slice, two: Slice) -> bool:
    """Whether two ranges of hours of the same slice are one, so that nobody could tell them apart."""
    if one.values != two.values or one.hour is None or two.hour is None:
        return False
    return one.hour.start <= two.hour.end and two.hour.start <= one.hour.end


def _cause(cells: pd.DataFrame, layout: Layout, n_dims: int, rng: np.random.Generator) -> Slice:
    names = [*layout.dims, "hour"]
    while True:
        chosen = [names[number] for number in rng.choice(len(names), n_dims, replace=False)]
        if not {"region", "store"} <= set(chosen):  # a store decides its region
            break
    row = cells.iloc[int(rng.integers(len(cells)))]
    hour = None
    if "hour" in chosen:
        start, length = int(rng.integers(7, 22)), int(rng.integers(1, 7))
        hour = HourRange(start=start, end=min(start + length, 24))
    return Slice(values=tuple((name, str(row[name])) for name in chosen if name != "hour"), hour=hour)
