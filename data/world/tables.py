"""The tables of a run, in the columns of `data.contracts`."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from data.contracts import empty
from data.slices import Slice
from data.world.arrays import Bools, Floats, Ints
from data.world.catalog import CATEGORIES, CATEGORY_NAMES, SKUS_PER_CATEGORY
from data.world.decoys import PolicyChange, scope_text
from data.world.draws import Draws
from data.world.journey import Journey
from data.world.levers import Levers
from data.world.outcomes import LATE_S
from data.world.regions import REGIONS
from data.world.shocks import Spell
from data.world.stock import OUT_OF_STOCK_BELOW, scarcer
from data.world.streams import Stream, stream

_MICRO: Final = 1_000_000
_STOCK_TAKEN: Final = 1 / 3
"""Share of the product-days on which the stock system writes down what it believes."""
_PHRASES: Final = (
    ("", "Never again.", "Terrible experience.", "Very late and cold."),
    ("", "Not good.", "Took far too long.", "Something was wrong with my order."),
    ("", "It was fine.", "Average.", "A bit slow."),
    ("", "Good.", "Quick enough.", "Friendly courier."),
    ("", "Great!", "Perfect, thank you.", "Right on time."),
)
ISSUES: Final = ("cancellation", "missing_item", "late_delivery", "substitution", "other")
"""What a ticket is about, the worst first."""


def orders(draws: Draws, journey: Journey) -> pd.DataFrame:
    """One row an order."""
    found = journey.orders
    hour, category = np.divmod(found.cell, len(CATEGORIES))
    return pd.DataFrame(
        {
            "order_id": found.session + 1,
            "user_id": found.user,
            "store_id": found.store + 1,
            "category": texts(CATEGORY_NAMES, category),
            "basket_value": found.basket_cents / 100,
            "promised_eta": times(found.time + found.promise_s),
            "order_time": times(found.time),
            "region": texts(REGIONS, draws.grid.region[hour]),
        },
        copy=False,
    )


def deliveries(journey: Journey) -> pd.DataFrame:
    """One row an order; what a cancelled one did not live to see is empty."""
    found = journey.orders
    canceled, arrival = found.canceled, found.settled
    assigned = found.time + found.prep_s + found.assign_s
    pickup = assigned + found.batch_wait_s
    return pd.DataFrame(
        {
            "order_id": found.session + 1,
            "actual_eta": times(arrival, absent=canceled),
            "dasher_wait": found.wait_s,
            "merchant_prep_time": found.prep_s,
            "distance": found.miles,
            "batched_flag": found.batch_size > 1,
            "canceled_flag": canceled,
            "delivery_time": times(arrival + found.handover_s, absent=canceled),
            "batch_id": found.batch_leader + 1,
            "batch_size": found.batch_size,
            "assigned_at": times(assigned, absent=canceled & (assigned > arrival)),
            "pickup_at": times(pickup, absent=canceled),
            "canceled_at": times(arrival, absent=~canceled),
        },
        copy=False,
    )


def items(journey: Journey) -> pd.DataFrame:
    """One row an order line."""
    found = journey.lines
    return pd.DataFrame(
        {
            "item_id": found.line + 1,
            "order_id": journey.orders.session[found.order] + 1,
            "sku_id": found.sku,
            "ordered_qty": found.quantity,
            "substituted_flag": found.substituted,
            "missing_flag": found.missing,
            "refund_amount": found.refund_cents / 100,
            "refunded_at": times(found.refunded, absent=found.refund_cents == 0),
        },
        copy=False,
    )


def inventory_events(draws: Draws, levers: Levers, *, seed: int) -> pd.DataFrame:
    """What the stock system wrote down: at every local midnight, for a part of the products."""
    rng = stream(seed, Stream.INVENTORY_EVENTS)
    probability = _shelves(draws, levers)
    noise = rng.normal(0.0, 0.01, probability.shape)
    believed = np.clip(np.round(probability + noise, 3), 0.0, 1.0).transpose(2, 0, 1)
    day, store, product = np.nonzero(rng.random(believed.shape) < _STOCK_TAKEN)
    value = believed[day, store, product]
    midnight = _midnights(draws)[draws.catalog.region[store], day]
    return pd.DataFrame(
        {
            "event_id": np.arange(1, day.size + 1),
            "sku_id": 1 + draws.catalog.category[store] * SKUS_PER_CATEGORY + product,
            "store_id": store + 1,
            "event_time": times(midnight + 60 * (store % 60)),
            "in_stock_prob": value,
            "oos_flag": value < OUT_OF_STOCK_BELOW,
        }
    )


def support_events(journey: Journey) -> pd.DataFrame:
    """One row a ticket, about the worst that happened to the order."""
    found, placed = journey.reactions, journey.orders
    happened = (placed.canceled, found.missing, placed.lateness_s > LATE_S, found.replaced)
    issue = np.select(happened, range(len(happened)), len(happened))
    at = np.flatnonzero(found.contacted)
    return pd.DataFrame(
        {
            "ticket_id": placed.session[at] + 1,
            "order_id": placed.session[at] + 1,
            "issue_type": texts(ISSUES, issue[at]),
            "ticket_created": times(found.contact_time[at]),
        }
    )


def ratings(journey: Journey) -> pd.DataFrame:
    """One row a rating."""
    found = journey.reactions
    at = np.flatnonzero(found.rated)
    phrases = [phrase for of_star in _PHRASES for phrase in of_star]
    pick = np.minimum((found.text_u[at] * 8).astype(np.int64), 7)
    phrase = (found.stars[at] - 1) * 4 + np.where(pick < 4, pick, 0)
    return pd.DataFrame(
        {
            "rating_id": journey.orders.session[at] + 1,
            "order_id": journey.orders.session[at] + 1,
            "stars": found.stars[at],
            "free_text": texts(phrases, phrase),
            "rating_time": times(found.rating_time[at]),
        }
    )


def policy_changes(changes: Sequence[PolicyChange]) -> pd.DataFrame:
    """The change log, in order of time; its ids say nothing about the cause."""
    rows = sorted(changes)
    frame = pd.DataFrame(rows, columns=list(PolicyChange._fields))
    frame.insert(0, "change_id", np.arange(1, len(rows) + 1))
    frame["changed_at"] = pd.to_datetime(frame["changed_at"], utc=True).dt.as_unit("us")
    return frame[list(empty("policy_changes"))].astype(dict.fromkeys(("policy", "scope", "source"), "str"))


def supply_snapshots(draws: Draws, journey: Journey) -> pd.DataFrame:
    """Couriers of a region at every full hour."""
    grid, fleets = draws.grid, journey.fleets
    order = np.lexsort((grid.region, grid.start))
    hour = journey.orders.cell // len(CATEGORIES)
    placed = np.bincount(hour, minlength=grid.region.size)
    seconds = np.bincount(
        hour, (journey.orders.settled - journey.orders.time).astype(float), grid.region.size
    )
    open_orders = np.rint(np.where(placed > 0, seconds / 3600, 0)).astype(np.int64)
    online = _by_region_hour(fleets.couriers)
    return pd.DataFrame(
        {
            "region": texts(REGIONS, grid.region[order]),
            "ts": times(grid.start[order]),
            "couriers_online": online[order],
            "couriers_busy": np.minimum(_by_region_hour(fleets.busy), online)[order],
            "outstanding_orders": open_orders[order],
        }
    )


def context_events(draws: Draws) -> pd.DataFrame:
    """Storms and promotions, in order of time."""
    spells = [("weather", s) for s in draws.shocks.storms] + [
        ("promotion", s) for s in draws.shocks.promotions
    ]
    rows = sorted((_start(draws, s), kind, s.region, s) for kind, s in spells)
    if not rows:
        return empty("context_events")
    return pd.DataFrame(
        {
            "kind": pd.array([kind for _, kind, _, _ in rows], dtype="str"),
            "scope": pd.array(
                [scope_text(Slice(values=(("region", REGIONS[region]),))) for _, _, region, _ in rows],
                dtype="str",
            ),
            "start": times(np.array([start for start, _, _, _ in rows])),
            "end": times(np.array([start + (s.last - s.first) * 3600 for start, _, _, s in rows])),
            "value": [s.strength for _, _, _, s in rows],
        }
    )


def times(seconds: Ints, *, absent: Bools | None = None) -> "pd.Series[pd.Timestamp]":
    """Seconds since 1970 as UTC times, empty where absent."""
    micro = seconds * _MICRO
    if absent is not None:
        micro[absent] = np.iinfo(np.int64).min
    return pd.Series(micro.view("datetime64[us]"), copy=False).dt.tz_localize("UTC")


def texts(names: Sequence[str], codes: Ints) -> pd.api.extensions.ExtensionArray:
    """One of a few texts for every code."""
    return pd.array(list(names), dtype="str").take(codes)


def _shelves(draws: Draws, levers: Levers) -> Floats:
    """Probability that a product is there at local midnight, shape (stores, products, days)."""
    grid, catalog = draws.grid, draws.catalog
    days = int(grid.day.max()) + 1
    first = np.flatnonzero(np.diff(grid.region * days + grid.day, prepend=-1) != 0)
    absent = np.ones((len(REGIONS), len(CATEGORIES), days))
    by_hour = levers.absent.reshape(-1, len(CATEGORIES))
    absent[grid.region[first], :, grid.day[first]] = by_hour[first]
    of_store = absent[catalog.region, catalog.category]
    return scarcer(draws.stock.probability, of_store[:, None, :])


def _midnights(draws: Draws) -> Ints:
    """Start of every local day, shape (regions, days)."""
    grid = draws.grid
    found = np.full((len(REGIONS), int(grid.day.max()) + 1), np.iinfo(np.int64).max)
    np.minimum.at(found, (grid.region, grid.day), grid.start)
    return found


def _by_region_hour(cells: Floats) -> Ints:
    total: Ints = np.rint(cells.reshape(-1, len(CATEGORIES)).sum(axis=1)).astype(np.int64)
    return total


def _start(draws: Draws, spell: Spell) -> int:
    grid = draws.grid
    at = np.flatnonzero((grid.region == spell.region) & (grid.step == spell.first))
    return int(grid.start[at[0]])
