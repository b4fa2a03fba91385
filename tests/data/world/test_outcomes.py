import numpy as np

from data.world import outcomes

UNIFORM = np.random.default_rng(0).random(50_000)
ZERO = np.zeros(50_000, dtype=np.int64)
NO = ZERO.astype(bool)
CALM = np.zeros(50_000)


def test_waiting_and_lateness_make_customers_cancel() -> None:
    base, waiting, late = (
        outcomes.cancels(ZERO + wait, ZERO + behind, CALM, UNIFORM).mean()
        for wait, behind in ((200, 0), (1200, 0), (200, 600))
    )
    assert base < waiting
    assert base < late


def test_early_orders_are_not_cancelled_less() -> None:
    early, punctual = (outcomes.cancels(ZERO, ZERO + s, CALM, UNIFORM) for s in (-600, 0))
    assert (early == punctual).all()


def test_lateness_costs_refunds_tickets_and_stars() -> None:
    on_time, late, very_late = (ZERO + s for s in (0, 400, 1000))
    refunds = [outcomes.late_refund(s, UNIFORM).mean() for s in (on_time, late, very_late)]
    tickets = [
        outcomes.contacts(s, NO, NO, NO, mood=CALM, uniform=UNIFORM).mean()
        for s in (on_time, late, very_late)
    ]
    stars = [outcomes.stars(s, NO, NO, CALM).mean() for s in (on_time, late, very_late)]
    assert refunds == sorted(refunds)
    assert tickets == sorted(tickets)
    assert stars == sorted(stars, reverse=True)


def test_missing_products_cost_tickets_and_stars() -> None:
    assert outcomes.contacts(ZERO, ~NO, NO, NO, mood=CALM, uniform=UNIFORM).mean() > 0.05
    assert (outcomes.stars(ZERO, ~NO, NO, CALM) < outcomes.stars(ZERO, NO, NO, CALM)).all()


def test_stars_stay_between_one_and_five() -> None:
    found = outcomes.stars(ZERO + 2000, ~NO, ~NO, np.linspace(-6, 6, 50_000))
    assert (found.min(), found.max()) == (1, 5)


def test_lags_are_whole_and_positive() -> None:
    found = outcomes.lag_s(3600.0, np.array([0.0, 0.5, 2.0]))
    assert found.tolist() == [60, 1860, 7260]
