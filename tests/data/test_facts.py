from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from data.dataset import Dataset
from data.engine import EngineChoice
from data.facts import MEASURES
from data.mapping import Mapping

LATER = datetime(2026, 2, 1, tzinfo=UTC)
ZONES = Mapping(zones={"SF": "America/Los_Angeles", "NY": "America/New_York"})
Frames = dict[str, pd.DataFrame]

PAIRS = (
    ("on_time", "delivered"),
    ("delivered", "fulfilled"),
    ("fulfilled", "outcome_known"),
    ("canceled", "outcome_known"),
    ("outcome_known", "orders"),
    ("items_ok", "items"),
    ("refunded", "refundable"),
    ("contacted", "contactable"),
)
"""(part, whole)"""


def facts(frames: Frames, mapping: Mapping = ZONES, as_of: datetime = LATER) -> pd.DataFrame:
    return Dataset.from_frames(frames, mapping=mapping, as_of=as_of).facts().set_index("order_id")


def test_facts_count_on_time_within_five_minutes(frames: Frames) -> None:
    found = facts(frames)
    assert found["on_time"].to_dict() == {"a": 1, "b": 0, "c": 0, "d": 0}
    assert found["delivered"].to_dict() == {"a": 1, "b": 1, "c": 0, "d": 0}
    assert found["lateness_s"].to_dict() == {"a": 300, "b": 630, "c": 0, "d": 0}
    assert found["fulfilment_s"].to_dict() == {"a": 2700, "b": 2430, "c": 0, "d": 0}


def test_facts_leave_out_what_happened_after_maturity(frames: Frames) -> None:
    found = facts(frames)
    assert found.loc["d", "outcome_known"] == 0
    assert found.loc["b", "refunded"] == 0
    assert found.loc["a", "contacted"] == 0
    assert found["dasher_wait_s"].isna().tolist() == [False, False, False, True]


def test_facts_honour_other_maturity_and_bounds(frames: Frames) -> None:
    mapping = Mapping.model_validate({"maturity": {"delivery_h": 240}, "on_time": {"late_s": 10**7}})
    found = facts(frames, mapping)
    assert found.loc["d", "delivered"] == 1
    assert found["on_time"].sum() == 3


def test_facts_early_arrival_counts_as_the_mapping_says(frames: Frames) -> None:
    frames["orders"].loc[0, "promised_eta"] = pd.Timestamp("2026-01-01T13:30Z")
    assert facts(frames).loc["a", "on_time"] == 0
    always = Mapping.model_validate({"on_time": {"early_s": None}})
    assert facts(frames, always).loc["a", "on_time"] == 1


def test_facts_sum_items_refunds_tickets_and_ratings(frames: Frames) -> None:
    found = facts(frames)
    rows = found.to_dict("index")
    assert [rows["a"][c] for c in ("items", "items_ok", "refunded", "refund_cents")] == [2, 1, 1, 100]
    assert [rows["b"][c] for c in ("contacted", "ratable", "stars_points")] == [1, 1, 1]
    assert [rows["c"][c] for c in ("items", "refundable")] == [0, 1]


def test_facts_have_local_days_and_hours(frames: Frames) -> None:
    found = facts(frames)
    assert found["hour"].to_dict() == {"a": 4, "b": 23, "c": 7, "d": 2}
    assert found["day"].diff().tolist()[1:] == [0, 1, 1]
    assert found.loc["a", "weekday"] == datetime(2026, 1, 1, tzinfo=UTC).weekday()


def test_facts_name_unknown_dimension_values(frames: Frames) -> None:
    assert facts(frames).loc["d", "category"] == "(unknown)"


def test_facts_have_only_columns_that_the_data_allow(frames: Frames) -> None:
    only = {"orders": frames["orders"].drop(columns=["promised_eta", "region"])}
    found = facts(only)
    assert set(found.columns) & set(MEASURES) == {"orders"}
    assert "promise_s" not in found


def test_facts_without_promise_still_measure_fulfilment(frames: Frames) -> None:
    frames["orders"] = frames["orders"].drop(columns="promised_eta")
    frames["deliveries"] = frames["deliveries"][["order_id", "actual_eta"]]
    found = facts(frames)
    assert "on_time" not in found
    assert "canceled" not in found
    assert found["fulfilled"].to_dict() == {"a": 1, "b": 1, "c": 0, "d": 0}


def test_facts_with_cancellations_only(frames: Frames) -> None:
    frames["deliveries"] = frames["deliveries"][["order_id", "canceled_flag"]]
    found = facts(frames)
    assert found["canceled"].sum() == 1
    assert found["outcome_known"].sum() == 4


def test_facts_at_a_time_do_not_see_later_events(frames: Frames) -> None:
    early = datetime(2026, 1, 2, 13, tzinfo=UTC)
    found = facts(frames, as_of=early)
    assert list(found.index) == ["a", "b", "c"]
    assert found["mature_delivery"].tolist() == [True, True, False]
    assert found.loc["c", "canceled"] == 0
    assert found.loc["c", "outcome_known"] == 0
    assert found.loc["b", "contactable"] == 0


def test_facts_at_a_time_equal_those_of_data_cut_at_it(frames: Frames) -> None:
    cut = pd.Timestamp("2026-01-02T15:10Z")
    known = {name: frame.copy() for name, frame in frames.items()}
    known["orders"] = known["orders"][known["orders"].order_time < cut]
    known["deliveries"] = known["deliveries"][known["deliveries"].order_id.isin(known["orders"].order_id)]
    later = known["items"]["refunded_at"] > cut
    known["items"] = known["items"].assign(
        refund_amount=known["items"]["refund_amount"].mask(later, 0.0),
        refunded_at=known["items"]["refunded_at"].mask(later),
    )
    known["support_events"] = known["support_events"][known["support_events"].ticket_created <= cut]
    known["ratings"] = known["ratings"][known["ratings"].rating_time <= cut]
    pd.testing.assert_frame_equal(
        Dataset.from_frames(known, mapping=ZONES, as_of=cut.to_pydatetime()).facts(),
        Dataset.from_frames(frames, mapping=ZONES).at(cut.to_pydatetime()).facts(),
        check_categorical=False,
        check_like=True,
    )


@pytest.mark.parametrize("threads", [1, 4])
def test_facts_are_sorted_and_whole(frames: Frames, threads: int) -> None:
    engine = EngineChoice(threads=threads)
    dataset = Dataset.from_frames(frames, mapping=ZONES, as_of=LATER, engine=engine)
    found = dataset.facts()
    assert found["order_id"].tolist() == ["a", "b", "c", "d"]
    assert {str(found[c].dtype) for c in MEASURES if c in found} == {"int64"}
    assert str(found["region"].dtype) == "category"
    assert str(found["order_time"].dtype) == "datetime64[us, UTC]"


def test_cells_add_up_to_facts(frames: Frames) -> None:
    dataset = Dataset.from_frames(frames, mapping=ZONES, as_of=LATER)
    measures = [c for c in MEASURES if c in dataset.facts()]
    pd.testing.assert_series_equal(dataset.cells()[measures].sum(), dataset.facts()[measures].sum())
    assert {str(kind) for kind in dataset.cells()[measures].dtypes} == {"int64"}


START = datetime(2026, 3, 1, tzinfo=UTC)
seconds = st.integers(0, 30 * 86_400)
order_rows = st.tuples(
    seconds,
    st.integers(0, 7200),
    st.one_of(st.none(), st.integers(0, 4 * 3600)),
    st.booleans(),
    st.sampled_from(["SF", "NY", None]),
)


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(rows=st.lists(order_rows, min_size=1, max_size=30), age=st.integers(1, 40 * 86_400))
def test_facts_invariants(rows: list[tuple[int, int, int | None, bool, str | None]], age: int) -> None:
    first = min(t for t, *_ in rows)
    as_of = START + timedelta(seconds=first + age)
    found = Dataset.from_frames(simulated(rows), mapping=ZONES, as_of=as_of).facts()
    assert len(found) == sum(t < first + age for t, *_ in rows)
    assert found["order_time"].is_monotonic_increasing
    for part, whole in PAIRS:
        if part in found and whole in found:
            assert (found[part] <= found[whole]).all()
            assert (found[part] >= 0).all()
    for row in found.to_dict("records"):
        region = row.get("region", "(unknown)")
        zone = ZoneInfo(ZONES.zone_of(None if region == "(unknown)" else region))
        local = row["order_time"].to_pydatetime().astimezone(zone)
        assert (row["hour"], row["weekday"]) == (local.hour, local.weekday())
        assert row["day"] == (local.date() - date(1970, 1, 1)).days


def simulated(rows: list[tuple[int, int, int | None, bool, str | None]]) -> Frames:
    def moments(values: list[int | None]) -> pd.Series:
        texts = [None if v is None else (START + timedelta(seconds=v)).isoformat() for v in values]
        return pd.to_datetime(pd.Series(texts, dtype="str"), utc=True, format="ISO8601")

    orders = {
        "order_id": range(len(rows)),
        "order_time": moments([t for t, *_ in rows]),
        "promised_eta": moments([t + p for t, p, *_ in rows]),
        "region": [r for *_, r in rows],
    }
    deliveries = {
        "order_id": range(len(rows)),
        "actual_eta": moments([None if a is None else t + a for t, _, a, *_ in rows]),
        "canceled_flag": [c for *_, c, _ in rows],
    }
    return {"orders": pd.DataFrame(orders), "deliveries": pd.DataFrame(deliveries)}
