import numpy as np
import pandas as pd
import pytest

from tools.did import estimate
from tools.errors import ToolFailure

# Card and Krueger (1994), table 3: mean full-time-equivalent employment per restaurant, with its standard error.
CARD_KRUEGER = pd.DataFrame(
    {
        "state": ["NJ", "NJ", "PA", "PA"],
        "wave": [0, 1, 0, 1],
        "fte": [20.44, 21.03, 23.33, 21.17],
        "restaurants": [321, 319, 77, 77],
        "rise": [0, 1, 0, 0],
    }
)


def panel(seed: int, *, effect: float, units: int = 60, periods: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(units):
        level, treated = rng.normal(0, 1), unit < units // 3
        shock = rng.normal(0, 0.3, periods)
        for time in range(periods):
            on = int(treated and time >= periods - 4)
            size = int(rng.integers(5, 12))
            y = level + 0.1 * time + shock[time] + effect * on + rng.normal(0, 1, size)
            rows += [(unit, time, on, value) for value in y]
    return pd.DataFrame(rows, columns=["unit", "time", "on", "y"])


def test_estimate_reproduces_card_krueger() -> None:
    found = estimate(
        CARD_KRUEGER, outcome="fte", unit="state", time="wave", treated="rise", weights="restaurants"
    )
    assert found.effect == pytest.approx(2.75, abs=0.005)
    assert found.error is None  # two states cannot be clustered


def test_estimate_is_the_same_on_rows_and_on_weighted_cells() -> None:
    rows = panel(0, effect=0.5)
    cells = rows.groupby(["unit", "time", "on"], as_index=False).agg(y=("y", "mean"), n=("y", "size"))
    single = estimate(rows, outcome="y", unit="unit", time="time", treated="on")
    collapsed = estimate(cells, outcome="y", unit="unit", time="time", treated="on", weights="n")
    assert single.effect == pytest.approx(collapsed.effect, abs=1e-8)
    assert single.error == pytest.approx(collapsed.error, rel=1e-8)


def test_estimate_equals_dummy_variable_regression_with_clustered_errors() -> None:
    import warnings

    rows = panel(1, effect=0.4, units=45, periods=8)
    cells = rows.groupby(["unit", "time", "on"], as_index=False).agg(y=("y", "mean"), n=("y", "size"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import statsmodels.formula.api as smf

        fitted = smf.wls("y ~ on + C(unit) + C(time)", data=cells, weights=cells["n"]).fit(
            cov_type="cluster", cov_kwds={"groups": cells["unit"]}, use_t=True
        )
        found = estimate(cells, outcome="y", unit="unit", time="time", treated="on", weights="n")
    assert found.effect == pytest.approx(fitted.params["on"], abs=1e-8)
    assert found.error is not None
    # the reference counts the absorbed units among its parameters, ours does not (they nest in the clusters)
    assert found.error == pytest.approx(fitted.bse["on"], rel=0.09)


def test_clustered_errors_hold_their_size_with_enough_clusters() -> None:
    rejected = 0
    for seed in range(60):
        found = estimate(
            panel(seed, effect=0.0, units=60, periods=8), outcome="y", unit="unit", time="time", treated="on"
        )
        assert found.t is not None
        rejected += abs(found.t) > 2.0
    assert rejected <= 8


@pytest.mark.parametrize(
    ("on", "reason"),
    [(lambda f: 0, "no unit is treated"), (lambda f: f["time"] >= 10, "there is no control")],
)
def test_estimate_refuses_without_contrast(on: object, reason: str) -> None:
    rows = panel(2, effect=0.0)
    rows["on"] = np.asarray(on(rows)).astype(int) if callable(on) else 0
    with pytest.raises(ToolFailure, match=reason):
        estimate(rows, outcome="y", unit="unit", time="time", treated="on")


def test_estimate_refuses_missing_outcomes() -> None:
    rows = panel(3, effect=0.0)
    rows.loc[0, "y"] = np.nan
    with pytest.raises(ToolFailure, match="1 rows have none"):
        estimate(rows, outcome="y", unit="unit", time="time", treated="on")
