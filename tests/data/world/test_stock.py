import numpy as np

from data.world import catalog, stock


def test_stock_is_a_probability() -> None:
    found = stock.build(catalog.build(3), days=5, seed=3).probability
    assert found.shape == (catalog.STORES, catalog.SKUS_PER_CATEGORY, 5)
    assert found.min() > 0
    assert found.max() <= 1


def test_lines_share_their_order() -> None:
    counts = np.array([1, 3, 2])
    found = stock.draw_lines(counts, seed=1)
    assert found.session.tolist() == [0, 1, 1, 1, 2, 2]
    np.testing.assert_allclose(np.bincount(found.session, found.share), 1.0)
    assert set(found.product) <= set(range(catalog.SKUS_PER_CATEGORY))


def test_no_lines_at_all() -> None:
    found = stock.draw_lines(np.zeros(0, dtype=np.int64), seed=1)
    assert found.session.size == 0


def test_line_counts_follow_their_category() -> None:
    uniform = np.linspace(0, 0.999, 1_000)
    for index, category in enumerate(catalog.CATEGORIES):
        found = stock.line_counts(np.full(1_000, index), uniform)
        assert found.min() == 1
        assert found.max() == len(category.extra_items)


def test_a_suppressed_product_is_replaced_by_a_likelier_one() -> None:
    found = stock.offered(np.array([0.5, 0.9]), np.array([0.8, 0.8]))
    assert found.tolist() == [0.8, 0.9]


def test_part_of_the_absent_products_is_replaced() -> None:
    luck = np.array([0.01, 0.055, 0.2])
    absent = luck < 0.1
    assert stock.substituted(absent, luck, np.full(3, 0.9)).tolist() == [True, True, False]
    assert stock.substituted(absent, np.array([0.09, 0.09, 0.09]), np.full(3, 0.9)).tolist() == [False] * 3
