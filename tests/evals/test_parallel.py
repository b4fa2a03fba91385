from evals.parallel import RENEWED_AFTER, side_by_side


def test_results_keep_their_order_across_renewed_pools() -> None:
    cases = range(-RENEWED_AFTER - 1, 1)
    assert list(side_by_side(abs, cases, workers=1)) == [abs(case) for case in cases]
    assert list(side_by_side(abs, cases, workers=2)) == [abs(case) for case in cases]
