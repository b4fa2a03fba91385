"""A small model of fulfilment with known mechanisms, one of which can be changed at a time."""

from typing import Final

import numpy as np

from tools.causal_graph import MIX, OUTCOME, graph
from tools.mechanisms import Floats, Ints, Orders

FAULTS: Final = {
    "policy": {"batching": 1.2},
    "supply": {"couriers": 0.75},
    "merchant": {"prep": 1.25},
    "inventory": {"missing": 0.4},
    "eta_model": {"promise": -240.0},
}
"""What each module does wrong, in the model's own terms."""


WAYS: Final = frozenset({"prep_s", "dasher_wait_s"})
"""What batching acts on."""


def _period(
    rng: np.random.Generator, rows: int, opened: frozenset[str] = WAYS, **changes: float
) -> tuple[dict[str, Floats], Ints, Floats]:
    """Orders of a period; what is not `opened` sees how orders were carried without the change."""
    category = rng.integers(0, 3, rows)
    demand = rng.lognormal(0.0, 0.2, rows)
    couriers = rng.lognormal(0.0, 0.1, rows) * changes.get("couriers", 1.0)
    load = demand / couriers
    lift = changes.get("batching", 0.0)
    usual = -1.6 + 1.2 * (load - 1) + 0.3 * category
    chance = rng.random(rows)
    uncarried, carried = (1 / (1 + np.exp(-(usual + more))) for more in (0.0, lift))
    before, batched = (chance < uncarried) * 1.0, (chance < carried) * 1.0
    seen = {name: batched if name in opened else before for name in WAYS}
    prep = rng.gamma(8.0, (60 + 15 * category) / 8, rows) * 8 * (1 + 0.15 * seen["prep_s"])
    prep = prep * changes.get("prep", 1.0)
    wait = rng.gamma(3.0, 60.0, rows) * load**2 + 350 * seen["dasher_wait_s"] * rng.random(rows)
    missing = (rng.random(rows) < 0.05 + changes.get("missing", 0.0)) * 1.0
    promise = 2300 + 60 * category + rng.normal(0, 60, rows) + changes.get("promise", 0.0)
    ride = rng.normal(900, 150, rows) + 260 * missing
    failed = (prep + wait + ride > promise) * 1.0
    values = {
        "demand_ratio": demand,
        "couriers_ratio": couriers,
        "carried_share": carried,
        "batched": batched,
        "prep_s": prep,
        "dasher_wait_s": wait,
        "items_bad": missing,
        "promise_s": promise,
    }
    return (
        {name: np.asarray(part, np.float64) for name, part in values.items()},
        category,
        np.asarray(failed, np.float64),
    )


BEFORE: Final = 20_000
DURING: Final = 5_000


def orders(seed: int, **changes: float) -> Orders:
    """Orders before and during an incident that changes the model in these ways."""
    rng = np.random.default_rng(seed)
    old, new = _period(rng, BEFORE), _period(rng, DURING, WAYS, **changes)
    assert set(old[0]) == set(graph().nodes) - {MIX, OUTCOME}
    return Orders(
        values={name: np.concatenate([old[0][name], new[0][name]]) for name in old[0]},
        mix=(np.concatenate([old[1], new[1]]),),
        covariates={},
        failed=np.concatenate([old[2], new[2]]),
        during=np.arange(BEFORE + DURING) >= BEFORE,
    )


def natural_effects(rows: int = 200_000) -> dict[str, float]:
    """What the policy's fault does to the failed share, by way and altogether (`whole`), by the model itself."""
    fault = FAULTS["policy"]

    def failed(opened: frozenset[str]) -> float:
        return float(_period(np.random.default_rng(99), rows, opened, **fault)[2].mean())

    before = failed(frozenset())
    alone = {name: failed(frozenset({name})) - before for name in sorted(WAYS)}
    return alone | {"whole": failed(WAYS) - before}
