from data.slices import Slice
from tools.incidents import SliceDelta
from tools.top_table import stars, top_rows


def delta(**more: float) -> SliceDelta:
    plain = {"delta": -0.1, "low": -0.2, "high": -0.05, "q_value": 0.02, "share": 0.5}
    return SliceDelta(slice=Slice.parse({"region": "SF"}), orders=1500, **{**plain, **more})


def test_stars_by_their_bounds() -> None:
    assert [stars(q) for q in (0.001, 0.0011, 0.01, 0.05, 0.051)] == ["***", "**", "**", "*", ""]


def test_rows_are_ranked_in_words() -> None:
    rows = top_rows([delta(), delta(q_value=0.5)])
    assert [row.rank for row in rows] == [1, 2]
    assert rows[0].drop == "-10.0 pp (-20.0 to -5.0)"
    assert (rows[0].orders, rows[0].share, rows[0].stars, rows[1].stars) == ("1,500", "50 %", "*", "")


def test_seconds_stay_seconds() -> None:
    assert top_rows([delta(delta=300.4, low=250, high=351)], unit="s")[0].drop == "+300 s (+250 to +351)"
