"""The committed distribution of fault sizes and scopes, and drawing from it."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field

from data.slices import HourRange, Slice
from data.world.catalog import CATEGORY_NAMES, per_category
from data.world.demand import hour_shape
from data.world.regions import REGION_SHARES, REGIONS

_ATTEMPTS: Final = 1_000


class SizeRange(BaseModel):
    """A log-normal size between two bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    median: float
    spread: Annotated[float, Field(gt=0)]
    low: float
    high: float


class WeightedHours(BaseModel):
    """Hours that a scope may have, and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hour: HourRange | None = None
    weight: Annotated[float, Field(gt=0)] = 1.0


class WeightedScope(BaseModel):
    """A whole scope, and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: Slice
    weight: Annotated[float, Field(gt=0)] = 1.0


class FaultDistribution(BaseModel):
    """Sizes and scopes of one kind of fault: whole scopes, or their parts drawn independently."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: SizeRange
    scopes: tuple[WeightedScope, ...] = ()
    regions: Mapping[str, float] = {}
    categories: Mapping[str, float] = {}
    hours: tuple[WeightedHours, ...] = ()
    least_share: float = 0.0


@cache
def load() -> Mapping[str, FaultDistribution]:
    """The distributions by scenario."""
    text = files("data.world").joinpath("distribution.yaml").read_text(encoding="utf-8")
    return {name: FaultDistribution.model_validate(value) for name, value in yaml.safe_load(text).items()}


def draw_size(distribution: FaultDistribution, rng: np.random.Generator) -> float:
    """A size, rounded to four digits."""
    size = distribution.size
    value = size.median * np.exp(size.spread * rng.standard_normal())
    return round(float(np.clip(value, size.low, size.high)), 4)


def draw_scope(distribution: FaultDistribution, rng: np.random.Generator) -> Slice:
    """A scope that carries at least the least share of all orders."""
    for _ in range(_ATTEMPTS):
        scope = _one_scope(distribution, rng)
        if order_share(scope) >= distribution.least_share:
            return scope
    raise ValueError(f"no scope carries {distribution.least_share} of all orders; lower least_share")


def order_share(scope: Slice) -> float:
    """Share of all planned orders that lies in a scope.

    Example:
        >>> round(order_share(Slice.parse({"region": "SF"})), 2)
        0.26
    """
    region, category = scope.get("region"), scope.get("category")
    hours = slice(None) if scope.hour is None else list(scope.hour.hours)
    by_category = hour_shape()[:, :, hours].sum(axis=2).mean(axis=1) * per_category("share")
    chosen = by_category.sum() if category is None else by_category[CATEGORY_NAMES.index(category)]
    return float(chosen * (1.0 if region is None else REGION_SHARES[REGIONS.index(region)]))


def _one_scope(distribution: FaultDistribution, rng: np.random.Generator) -> Slice:
    if distribution.scopes:
        return distribution.scopes[_pick([scope.weight for scope in distribution.scopes], rng)].scope
    values = {}
    for dimension, weights in (("region", distribution.regions), ("category", distribution.categories)):
        if weights:
            values[dimension] = list(weights)[_pick(list(weights.values()), rng)]
    chosen = distribution.hours[_pick([hours.weight for hours in distribution.hours], rng)].hour
    return Slice(values=tuple(values.items()), hour=chosen)


def _pick(weights: Sequence[float], rng: np.random.Generator) -> int:
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    found = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
    return min(found, len(weights) - 1)
