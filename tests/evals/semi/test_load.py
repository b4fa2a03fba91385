"""The relation of waiting to courier load, on orders whose relation is known."""

import numpy as np
import pandas as pd
import pytest

from evals.semi.load import Relation, at_new_load, load, remainder, split


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """20 minutes of preparation, and 10 of waiting for every open order a courier above one."""
    rng = np.random.default_rng(0)
    online = rng.integers(5, 60, size=6_000).astype(float)
    outstanding = np.round(online * rng.uniform(0.5, 2.0, size=6_000))
    took = (1_200.0 + 600.0 * np.maximum(outstanding / online - 1.0, 0.0)) * rng.gamma(4.0, 0.25, size=6_000)
    return pd.DataFrame(
        {
            "online": online,
            "outstanding": outstanding,
            "place_s": 300.0,
            "drive_s": 500.0,
            "fulfilment_s": 800.0 + took,
            "fulfilled": 1,
        }
    )


@pytest.fixture(scope="module")
def relation(orders: pd.DataFrame) -> Relation:
    return Relation.of(orders)


def test_the_relation_is_found_and_never_falls(relation: Relation) -> None:
    loads = np.linspace(0.5, 2.0, 40)
    mean = relation.at(loads)
    assert (np.diff(mean) >= 0).all()
    assert mean[0] == pytest.approx(1_200.0, rel=0.1)
    assert relation.at(np.array([1.8]))[0] == pytest.approx(1_680.0, rel=0.1)


def test_load_is_unknown_where_it_was_not_noted() -> None:
    noted = pd.DataFrame({"online": [10.0, 0.0, np.nan, -1.0], "outstanding": [5.0, 5.0, 5.0, 5.0]})
    np.testing.assert_array_equal(load(noted), [0.5, np.nan, np.nan, np.nan])


def test_waiting_and_preparation_make_up_the_remainder(orders: pd.DataFrame, relation: Relation) -> None:
    parts = split(orders, relation)
    np.testing.assert_allclose(parts["dasher_wait_s"] + parts["prep_s"], remainder(orders))
    quiet = load(orders) < 0.9
    assert parts["dasher_wait_s"][quiet].mean() < 0.2 * parts["dasher_wait_s"][load(orders) > 1.8].mean()


def test_an_order_at_a_higher_load_waits_longer_and_is_prepared_as_before(
    orders: pd.DataFrame, relation: Relation
) -> None:
    before = split(orders, relation)
    after = at_new_load(before, relation, np.full(len(orders), 1.8))
    rare = load(orders) < 1.0
    longer = (after["fulfilment_s"] - before["fulfilment_s"])[rare]
    assert longer.mean() == pytest.approx(480.0, rel=0.15)
    np.testing.assert_allclose((after["dasher_wait_s"] - before["dasher_wait_s"])[rare], longer)
    assert after["prep_s"].equals(before["prep_s"])


def test_an_order_without_a_noted_load_stays_as_it_was(orders: pd.DataFrame, relation: Relation) -> None:
    blind = orders.assign(online=np.nan)
    after = at_new_load(blind, relation, np.full(len(orders), 1.8))
    assert after["fulfilment_s"].equals(orders["fulfilment_s"])
