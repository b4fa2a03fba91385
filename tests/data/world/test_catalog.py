import numpy as np

from data.world import catalog
from data.world.regions import REGIONS

FLEETS = len(REGIONS) * len(catalog.CATEGORIES)


def test_stores_are_grouped_by_fleet() -> None:
    found = catalog.build(1)
    fleet = found.region * len(catalog.CATEGORIES) + found.category
    assert found.region.size == catalog.STORES
    assert (np.diff(fleet) >= 0).all()
    assert set(fleet) == set(range(FLEETS))
    assert found.fleet_start[-1] == catalog.STORES


def test_popularity_ends_with_the_fleet() -> None:
    found = catalog.build(1)
    last = found.popularity[found.fleet_start[1:] - 1]
    np.testing.assert_allclose(last, np.arange(1, FLEETS + 1))
    assert (np.diff(found.popularity) > 0).all()
