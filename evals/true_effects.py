"""What a fault truly did to each metric in its scope, and what storms and promotions did, from the same world without.

Weather and promotions are no fault of anybody, and come in every world; what they did to a window is true all the same.
"""

from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Final

from data.slices import Slice
from data.world import World, WorldRun
from tools.incidents import Window

METRICS: Final = {
    "on_time": "on_time",
    "cancellation": "cancellation",
    "support_contact": "support_contact",
    "refund": "refund",
    "cx_index": "cx_score",
}
"""Metrics of incidents, and the number of the world that tells whether they moved."""
GOOD: Final = ("on_time", "cx_score", "item_accuracy", "rating")
"""More of them is better."""
MOVED_Z: Final = 5.0
"""Standard errors of the rate from which on a fault has moved it so that a detector would say so."""
UNTOUCHED_Z: Final = 0.5
MATTERS: Final = 0.2
"""Share of the sum of the parts from which on a part is a cause of its own."""
MOST: Final = 0.5
"""Share of a worsening from which on something is its cause rather than chance."""


@dataclass(frozen=True)
class TrueEffects:
    """Worsening of every metric in standard errors, in all and by part."""

    whole: dict[str, float]
    parts: dict[str, dict[str, float]]
    """By hypothesis; one where the fault has no parts."""

    @property
    def moved(self) -> tuple[str, ...]:
        """Metrics that the fault made worse beyond doubt."""
        return tuple(name for name, z in self.whole.items() if z >= MOVED_Z)

    @property
    def untouched(self) -> tuple[str, ...]:
        """Metrics that it left as they were."""
        return tuple(name for name, z in self.whole.items() if abs(z) < UNTOUCHED_Z)

    def causes(self, name: str) -> tuple[str, ...]:
        """The hypotheses that are true of a metric, the larger effect first; one at least."""
        of = name if name in METRICS else "on_time"
        effect = {cause: max(by_metric[of], 0.0) for cause, by_metric in self.parts.items()}
        total = sum(effect.values())
        ranked = sorted(effect, key=lambda cause: (-effect[cause], cause))
        return (ranked[0], *(c for c in ranked[1:] if total and effect[c] >= MATTERS * total))


def true_effects(world: World, run: WorldRun) -> TrueEffects | None:
    """The effects of a world's fault; None where nothing is wrong.

    Args:
        world: the world.
        run: its run under the fault, without actions.
    """
    fault = world.fault
    if fault is None:
        return None
    twin = _rates(world, world.twin())
    whole = _worse(_rates(world, run), twin)
    parts = {part.hypothesis: _worse(_rates(world, world.run(only=part)), twin) for part in fault.parts}
    return TrueEffects(whole, parts or {fault.hypothesis: whole})


def weather_share(calm: WorldRun, run: WorldRun, name: str, where: Slice, window: Window) -> float:
    """Share of a worsening that storms and promotions caused; 0 where nothing got worse.

    The worsening is that from all days before the window to the window; storms before it take from their share.

    Args:
        calm: the world without storms and promotions (`World.calm`).
        run: the world as it was.
        name: the metric.
        where: the slice that looks bad; of its values only those that the world acts on are heeded.
        window: when.
    """
    values = tuple(value for value in where.values if value[0] in ("region", "category"))
    known = Slice(values=values, hour=where.hour)

    def badness(of: WorldRun, start: datetime | None, end: datetime) -> float:
        rate = METRICS.get(name, name)
        return of.metrics(known, start, end)[rate] * (-1.0 if rate in GOOD else 1.0)

    def worsening(of: WorldRun) -> float:
        return badness(of, window.start, window.end) - badness(of, None, window.start)

    whole = worsening(run)
    return (whole - worsening(calm)) / whole if whole > 0 else 0.0


def _rates(world: World, run: WorldRun) -> dict[str, float]:
    if world.fault is None:
        raise ValueError("nothing is wrong in this world")
    found = run.metrics(world.fault.scope, world.onset, world.end)
    return {name: found[name] for name in METRICS.values()} | {
        "cx_score": found["cx_score"] / 100,
        "orders": found["orders"],
    }


def _worse(under: dict[str, float], without: dict[str, float]) -> dict[str, float]:
    """Worsening of every metric in standard errors of its rate."""
    orders = without["orders"]

    def z(name: str) -> float:
        rate = min(max(without[name], 1 / orders), 1 - 1 / orders)
        change = under[name] - without[name]
        return (-change if name in GOOD else change) / sqrt(rate * (1 - rate) / orders)

    return {metric: z(rate) for metric, rate in METRICS.items()}
