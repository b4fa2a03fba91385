"""One pass through the mechanisms: from the draws and the levers to the orders and what became of them."""

from dataclasses import dataclass

import numpy as np

from data.world import batching, demand, fulfilment, outcomes, stock, supply
from data.world.arrays import Bools, Floats, Ints
from data.world.catalog import CATEGORIES, SKUS_PER_CATEGORY, per_category
from data.world.config import WorldConfig
from data.world.draws import Draws
from data.world.levers import Levers
from data.world.structure import Structure, crowding, queued, waits_at_all

_REFUND_MEAN_S = 3.0 * 3600
_CONTACT_MEAN_S = 1.5 * 3600
_RATING_MEAN_S = 5.0 * 3600
_HANDOVER_S = 110
_LATE_REFUND_SHARE = 0.2


@dataclass(frozen=True)
class Orders:
    """The orders in order of time; one entry each, times in seconds since 1970."""

    session: Ints
    """Position among the sessions; the order's id less one."""
    cell: Ints
    time: Ints
    store: Ints
    user: Ints
    basket_cents: Ints
    miles: Floats
    promise_s: Ints
    assign_s: Ints
    batch_wait_s: Ints
    prep_s: Ints
    travel_s: Ints
    handover_s: Ints
    batch_leader: Ints
    """Session of the first order of the batch."""
    batch_size: Ints
    canceled: Bools
    canceled_after_s: Ints

    @property
    def wait_s(self) -> Ints:
        """Wait caused by couriers and batching."""
        return self.assign_s + self.batch_wait_s

    @property
    def lateness_s(self) -> Ints:
        """Arrival after the promise; negative is early; for a cancelled order, what it would have been."""
        return self.prep_s + self.wait_s + self.travel_s - self.promise_s

    @property
    def settled(self) -> Ints:
        """When an order was delivered or cancelled."""
        duration = np.where(self.canceled, self.canceled_after_s, self.prep_s + self.wait_s + self.travel_s)
        return np.asarray(self.time + duration)


@dataclass(frozen=True)
class Lines:
    """The order lines; one entry each."""

    order: Ints
    """Position of the order."""
    line: Ints
    """Position among the lines of all sessions; the line's id less one."""
    sku: Ints
    quantity: Ints
    substituted: Bools
    missing: Bools
    refund_cents: Ints
    refunded: Ints
    """When; only where there is a refund."""


@dataclass(frozen=True)
class Reactions:
    """Tickets and ratings, by order."""

    contacted: Bools
    contact_time: Ints
    missing: Bools
    """Whether a line of the order was missing."""
    replaced: Bools
    rated: Bools
    stars: Ints
    rating_time: Ints
    text_u: Floats


@dataclass(frozen=True)
class Journey:
    """Everything that happened."""

    fleets: supply.Supply
    orders: Orders
    lines: Lines
    reactions: Reactions


def travel_through(draws: Draws, levers: Levers, config: WorldConfig) -> Journey:
    """Run the mechanisms once; nothing is drawn here.

    Args:
        draws: what chance decided.
        levers: what faults and interventions decided.
        config: the form of the mechanisms.
    """
    hidden = _hidden_share(draws, levers)
    structure = config.structure
    converted = demand.conversion(levers.promise_buffer_s, hidden) * levers.demand
    plan = draws.plan * demand.BASE_CONVERSION
    base = per_category("batched")[draws.grid.cell_category]
    fleets = supply.build(plan, draws.mean * converted, draws.shocks, levers, base, structure=structure)
    keep = np.flatnonzero(draws.sessions.patience < converted[draws.sessions.cell])
    orders = _orders(draws, levers, fleets, keep, structure)
    lines = _lines(draws, levers, orders)
    return Journey(fleets, orders, lines, _reactions(draws, orders, lines, _link(structure)))


def _hidden_share(draws: Draws, levers: Levers) -> Floats:
    """Share of the selection that is not offered, by cell."""
    if not levers.suppress_below.any():
        return np.zeros(draws.grid.cells)
    grid, catalog = draws.grid, draws.catalog
    share = np.zeros(draws.grid.cells)
    for cell in np.flatnonzero(levers.suppress_below):
        hour, category = divmod(int(cell), len(CATEGORIES))
        fleet = grid.region[hour] * len(CATEGORIES) + category
        stores = slice(catalog.fleet_start[fleet], catalog.fleet_start[fleet + 1])
        shelf = stock.scarcer(draws.stock.probability[stores, :, grid.day[hour]], levers.absent[cell])
        share[cell] = np.mean(shelf < levers.suppress_below[cell])
    return share


def _link(structure: Structure) -> outcomes.Link:
    return outcomes.cloglog if structure is Structure.OTHER_LINKS else outcomes.logistic


def _assignment(fleets: supply.Supply, cell: Ints, exponential: Floats, structure: Structure) -> Floats:
    if structure is Structure.QUEUE:
        waits = waits_at_all(fleets.utilisation)
        return queued(fleets.wait_s[cell], waits[cell], exponential)
    return supply.assignment_wait(fleets.wait_s[cell], exponential)


def _preparation(levers: Levers, fleets: supply.Supply, structure: Structure) -> Floats:
    """Multiple of the preparation times, by cell."""
    if structure is Structure.EXTRA_EDGE:
        return levers.prep * crowding(fleets.utilisation, supply.PLANNED_UTILISATION)
    return levers.prep


def _orders(draws: Draws, levers: Levers, fleets: supply.Supply, keep: Ints, structure: Structure) -> Orders:
    chance, sessions, catalog = draws.variates, draws.sessions, draws.catalog
    cell, store = sessions.cell[keep], sessions.store[keep]
    batches = batching.group(
        cell,
        chance.batched_u[keep] < fleets.batched[cell],
        levers.batching_threshold[cell],
        chance.batch_size_u[keep],
    )
    store_s = catalog.prep_s[store]
    spread = fulfilment.DISTANCE_SPREAD
    miles = np.round(catalog.miles[store] * np.exp(spread * chance.miles_n[keep] - spread**2 / 2), 2)
    hour = cell // len(CATEGORIES)
    traffic = draws.shocks.travel[hour] + draws.hidden[hour]
    assign = _whole(_assignment(fleets, cell, chance.assignment_e[keep], structure))
    batch_wait = _whole(batching.wait(batches.size, chance.batch_wait_n[keep]))
    slowness = _preparation(levers, fleets, structure)[cell] * np.exp(draws.hidden[hour])
    prep = _whole(fulfilment.prepare(store_s, batches.size, slowness, chance.prep_n[keep]))
    way = _whole(fulfilment.travel(miles, traffic, chance.travel_n[keep]))
    buffer = levers.promise_buffer_s[cell]
    promise = _whole(fulfilment.promise(store_s, supply.PLANNED_WAIT_S, batches.size, miles, buffer))
    lateness = prep + assign + batch_wait + way - promise
    mood = draws.shocks.mood[hour] + draws.hidden[hour]
    canceled = outcomes.cancels(
        assign + batch_wait, lateness, mood, chance.cancel_u[keep], link=_link(structure)
    )
    until = (0.3 + 0.7 * chance.cancel_when_u[keep]) * (prep + assign + batch_wait)
    return Orders(
        session=keep,
        cell=cell,
        time=sessions.time[keep],
        store=store,
        user=sessions.user[keep],
        basket_cents=sessions.basket_cents[keep],
        miles=miles,
        promise_s=promise,
        assign_s=assign,
        batch_wait_s=batch_wait,
        prep_s=prep,
        travel_s=way,
        handover_s=20 + _whole(_HANDOVER_S * chance.handover_u[keep]),
        batch_leader=keep[batches.leader],
        batch_size=batches.size,
        canceled=canceled,
        canceled_after_s=_whole(until),
    )


def _lines(draws: Draws, levers: Levers, orders: Orders) -> Lines:
    drawn, catalog, chance = draws.lines, draws.catalog, draws.variates
    position = np.full(draws.sessions.cell.size, -1, dtype=np.int64)
    position[orders.session] = np.arange(orders.session.size)
    order = position[drawn.session]
    line = np.flatnonzero(order >= 0)
    order, product = order[line], drawn.product[line]
    store = orders.store[order]
    day = draws.grid.day[orders.cell // len(CATEGORIES)]
    present = draws.stock.probability[store, product, day[order]]
    present = stock.scarcer(present, levers.absent[orders.cell][order])
    present = stock.offered(present, levers.suppress_below[orders.cell][order])
    luck = drawn.luck[line]
    absent = (luck < 1 - present) & ~orders.canceled[order]
    replaced = stock.substituted(absent, luck, present)
    missing = absent & ~replaced
    refund = _refund_cents(draws, orders, order, line, replaced=replaced, missing=missing)
    lag = outcomes.lag_s(_REFUND_MEAN_S, chance.refund_e[orders.session])
    sku = 1 + catalog.category[store] * SKUS_PER_CATEGORY + product
    refunded = (orders.settled + lag)[order]
    return Lines(order, line, sku, drawn.quantity[line], replaced, missing, refund, refunded)


def _refund_cents(
    draws: Draws, orders: Orders, order: Ints, line: Ints, *, replaced: Bools, missing: Bools
) -> Ints:
    luck = draws.lines.refund_luck[line]
    refunded = (missing & (luck < outcomes.LINE_REFUND_MISSING)) | (
        replaced & (luck < outcomes.LINE_REFUND_SUBSTITUTED)
    )
    at = np.flatnonzero(refunded)
    cents = np.zeros(line.size, dtype=np.int64)
    cents[at] = _whole(draws.lines.share[line[at]] * orders.basket_cents[order[at]])
    late = outcomes.late_refund(orders.lateness_s, draws.variates.refund_u[orders.session]) & ~orders.canceled
    first = np.flatnonzero(np.diff(order, prepend=-1))
    cents[first[late]] += _whole(np.asarray(_LATE_REFUND_SHARE * orders.basket_cents[late], dtype=np.float64))
    return cents


def _reactions(draws: Draws, orders: Orders, lines: Lines, link: outcomes.Link) -> Reactions:
    chance, session, total = draws.variates, orders.session, orders.session.size
    missing = np.bincount(lines.order[lines.missing], minlength=total) > 0
    replaced = np.bincount(lines.order[lines.substituted], minlength=total) > 0
    late = orders.lateness_s
    mood = draws.shocks.mood[orders.cell // len(CATEGORIES)]
    contacted = outcomes.contacts(
        late, missing, replaced, orders.canceled, mood=mood, uniform=chance.contact_u[session], link=link
    )
    return Reactions(
        contacted=contacted,
        contact_time=orders.settled + outcomes.lag_s(_CONTACT_MEAN_S, chance.contact_e[session]),
        missing=missing,
        replaced=replaced,
        rated=(chance.rated_u[session] < outcomes.RATED) & ~orders.canceled,
        stars=outcomes.stars(late, missing, replaced, chance.stars_n[session]),
        rating_time=orders.settled + outcomes.lag_s(_RATING_MEAN_S, chance.rating_e[session]),
        text_u=chance.text_u[session],
    )


def _whole(values: Floats) -> Ints:
    return np.rint(values).astype(np.int64)
