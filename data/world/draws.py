"""The random draws of a world: standard variates by session and order line, made once and reused.

Faults and interventions transform them and never draw again; that is what makes a twin a counterfactual.
"""

from dataclasses import dataclass, replace

import numpy as np

from data.world import catalog as catalogs
from data.world import demand, shocks, structure
from data.world import grid as grids
from data.world import stock as shelves
from data.world.arrays import Floats, Ints
from data.world.catalog import CATEGORIES
from data.world.config import WorldConfig
from data.world.faults.base import Fault
from data.world.streams import Stream, stream


@dataclass(frozen=True)
class Variates:
    """Standard draws of every session: `n` normal, `e` exponential, `u` uniform."""

    assignment_e: Floats
    batched_u: Floats
    batch_size_u: Floats
    batch_wait_n: Floats
    prep_n: Floats
    miles_n: Floats
    travel_n: Floats
    handover_u: Floats
    cancel_u: Floats
    cancel_when_u: Floats
    refund_u: Floats
    refund_e: Floats
    contact_u: Floats
    contact_e: Floats
    rated_u: Floats
    stars_n: Floats
    rating_e: Floats
    text_u: Floats


@dataclass(frozen=True)
class Draws:
    """All that chance decides in a world."""

    grid: grids.Grid
    catalog: catalogs.Catalog
    shocks: shocks.Shocks
    plan: Floats
    """Expected sessions of every cell before shocks."""
    mean: Floats
    """Expected sessions of every cell, shocks included."""
    sessions: demand.Sessions
    variates: Variates
    stock: shelves.Stock
    lines: shelves.Lines
    line_counts: Ints
    """Order lines of every session."""
    hidden: Floats
    """What nobody recorded, by region-hour; nothing in a world as declared."""


def draw(config: WorldConfig, fault: Fault | None = None) -> Draws:
    """Draw a world.

    Args:
        config: its settings; how the fault grows and ends does not matter here.
        fault: one that brings customers; they are drawn too, and come only where it acts.
    """
    grid = grids.build(config.start, days=config.days)
    catalog = catalogs.build(config.seed)
    common = shocks.draw(grid, seed=config.seed, noise=config.noise)
    plan = demand.planned(grid, orders_per_day=config.orders_per_day)
    mean = demand.expected(plan, common)
    surge = _surge(grid, config, fault)
    sessions = demand.draw(
        grid, catalog, mean * surge, seed=config.seed, orders_per_day=config.orders_per_day, surge=surge
    )
    shelf = shelves.build(catalog, days=config.days, seed=config.seed)
    count_rng = stream(config.seed, Stream.ORDER_LINES)
    counts = shelves.line_counts(catalog.category[sessions.store], count_rng.random(sessions.cell.size))
    lines = shelves.draw_lines(counts, seed=config.seed)
    variates = _variates(config.seed, sessions.cell.size)
    hidden = (
        structure.hidden(grid, seed=config.seed)
        if config.structure is structure.Structure.HIDDEN
        else np.zeros(grid.region.size)
    )
    return Draws(grid, catalog, common, plan, mean, sessions, variates, shelf, lines, counts, hidden)


def calmed(drawn: Draws) -> Draws:
    """The same draws without a storm or a promotion: those whom a promotion brought are the first not to order."""
    calm = shocks.calmed(drawn.grid, drawn.shocks)
    fewer = np.repeat(np.exp(calm.demand - drawn.shocks.demand), len(CATEGORIES))
    sessions = replace(drawn.sessions, patience=drawn.sessions.patience / fewer[drawn.sessions.cell])
    return replace(drawn, shocks=calm, mean=drawn.mean * fewer, sessions=sessions)


def _surge(grid: grids.Grid, config: WorldConfig, fault: Fault | None) -> Floats:
    """Most customers of every cell, as a multiple of those expected."""
    surge = np.ones(grid.cells)
    if fault is not None and fault.surge > 1:
        surge[grid.select(fault.scope, from_day=config.onset_day)] = fault.surge
    return surge


def _variates(seed: int, total: int) -> Variates:
    assignment, batching, prep, travel = (
        stream(seed, s) for s in (Stream.ASSIGNMENT, Stream.BATCHING, Stream.PREP, Stream.ROAD)
    )
    cancel, refund, support, rating = (
        stream(seed, s) for s in (Stream.CANCELLATION, Stream.REFUND, Stream.SUPPORT, Stream.RATING)
    )
    return Variates(
        assignment_e=assignment.standard_exponential(total),
        batched_u=batching.random(total),
        batch_size_u=batching.random(total),
        batch_wait_n=batching.standard_normal(total),
        prep_n=prep.standard_normal(total),
        miles_n=travel.standard_normal(total),
        travel_n=travel.standard_normal(total),
        handover_u=travel.random(total),
        cancel_u=cancel.random(total),
        cancel_when_u=cancel.random(total),
        refund_u=refund.random(total),
        refund_e=refund.standard_exponential(total),
        contact_u=support.random(total),
        contact_e=support.standard_exponential(total),
        rated_u=rating.random(total),
        stars_n=rating.standard_normal(total),
        rating_e=rating.standard_exponential(total),
        text_u=rating.random(total),
    )
