import numpy as np
import pytest

from tools.response import fit_response


def test_undone_of_a_linear_response_is_slope_times_change() -> None:
    rng = np.random.default_rng(0)
    prep = rng.normal(800, 90, 3000)
    seconds = 200 + 0.7 * prep + rng.normal(0, 5, 3000)
    response = fit_response({"prep": prep}, seconds, prep > 800, bounded=False)
    assert response.undone("prep", 100.0) == pytest.approx(70.0, rel=0.01)
    assert response.undone("unknown", 100.0) == 0.0
    assert response.predict({"prep": prep}) == pytest.approx(200 + 0.7 * prep, rel=0.01)


def test_undone_recovers_what_a_shift_caused() -> None:
    rng = np.random.default_rng(1)
    during = np.arange(20_000) >= 15_000
    prep = rng.normal(800, 150, 20_000) + 200 * during
    late = (prep + rng.logistic(0, 60, 20_000) > 1100).astype(float)
    response = fit_response({"prep": prep}, late, during, bounded=True)
    truth = late[during].mean() - late[~during].mean()
    assert response.undone("prep", 200.0) == pytest.approx(truth, rel=0.1)


def test_something_that_happens_to_some_orders_is_taken_back_from_those() -> None:
    """Twice as many orders with a missing item: the same mean shift of all orders would undo a fifth of it."""
    rng = np.random.default_rng(2)
    during = np.arange(60_000) >= 50_000
    missing = (rng.random(60_000) < np.where(during, 0.06, 0.03)).astype(float)
    refund = (rng.random(60_000) < 0.01 + 0.4 * missing).astype(float)
    response = fit_response({"bad": missing}, refund, during, bounded=True, occurrences=("bad",))
    spread_out = fit_response({"bad": missing}, refund, during, bounded=True)
    change = missing[during].mean() - missing[~during].mean()
    assert response.undone("bad", change) == pytest.approx(0.4 * change, rel=0.1)
    assert spread_out.undone("bad", change) < 0.3 * response.undone("bad", change)
    assert response.undone("bad", 1.0) == pytest.approx(0.4 * missing[during].mean(), rel=0.1), "all of it"
