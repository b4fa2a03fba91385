import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from data.dataset import Dataset
from data.errors import DataError, MappingError
from data.mapping import parse

Frames = dict[str, pd.DataFrame]
LATER = datetime(2026, 2, 1, tzinfo=UTC)
ORDERS = "order_id,order_time,region\n1,2026-01-01T12:00:00Z,SF\n2,2026-01-02T12:00:00Z,NY\n"
SHOP = "Nr,When,Late (min),State\nA1,2026-01-01 12:00:00,5,done\nA2,2026-01-02 12:00:00,NA,gone\n,,,\n"
SHOP_MAPPING = """
name: shop
null_values: ["", "NA"]
naive_times: America/Denver
tables:
  orders:
    source: shop.csv
    casts: {When: timestamp}
    columns: {order_id: Nr, order_time: When}
    derive: {promised_eta: '"When" + INTERVAL 1 HOUR', category: upper("State")}
    where: Nr IS NOT NULL
  deliveries:
    source: shop.csv
    casts: {When: timestamp, "Late (min)": integer}
    columns: {order_id: Nr}
    derive:
      actual_eta: '"When" + INTERVAL 1 HOUR + to_minutes("Late (min)")'
      canceled_flag: "\\"State\\" = 'gone'"
    where: Nr IS NOT NULL
"""


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


@pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz", "csv.zip"])
def test_open_reads_every_format(frames: Frames, tmp_path: Path, suffix: str) -> None:
    for name, frame in frames.items():
        path = tmp_path / f"{name}.{suffix}"
        if suffix == "parquet":
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False)
    expected = Dataset.from_frames(frames, as_of=LATER)
    found = Dataset.open(tmp_path, as_of=LATER)
    assert found.report.broken == ()
    pd.testing.assert_frame_equal(found.facts(), expected.facts())
    pd.testing.assert_frame_equal(found.cells(), expected.cells())
    assert found.policy_changes() == expected.policy_changes()


def test_open_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    before = write(tmp_path, orders=ORDERS).stat().st_mtime_ns
    Dataset.open(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["orders.csv"]
    assert tmp_path.stat().st_mtime_ns == before


def test_open_takes_the_folders_own_mapping(tmp_path: Path) -> None:
    write(tmp_path, orders=ORDERS)
    (tmp_path / "mapping.yaml").write_text("zones: {SF: America/Los_Angeles}")
    assert Dataset.open(tmp_path, as_of=LATER).facts()["hour"].tolist() == [4, 12]
    tokyo = parse("default_zone: Asia/Tokyo")
    assert Dataset.open(tmp_path, mapping=tokyo, as_of=LATER).facts()["hour"].tolist() == [21, 21]


def test_open_says_that_a_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder; give a folder of Parquet or CSV files"):
        Dataset.open(tmp_path / "nowhere")


def test_open_says_that_a_file_is_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"orders.csv: the file is empty \(0 bytes\)"):
        Dataset.open(write(tmp_path, orders=""))


def test_open_says_that_orders_have_no_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"orders \(orders.csv\): the table has no rows"):
        Dataset.open(write(tmp_path, orders="order_id,order_time\n"))


def test_open_without_orders_says_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no table `orders` \(orders.parquet, .*; found: nothing. Name the files"
    ):
        Dataset.open(tmp_path)
    with pytest.raises(
        DataError, match=r"found: things.csv; none of their columns holds times. Name the files"
    ):
        Dataset.open(write(tmp_path, things="a,b\n1,x\n"))
    with pytest.raises(DataError, match=r"found: things.csv, when.csv. Name the files"):
        Dataset.open(write(tmp_path, when="t\n2026-01-01 10:00:00\n"))


def test_open_without_orders_names_a_shipped_mapping_that_fits(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"; data/mappings/ecommerce_shipping.yaml reads these files"):
        Dataset.open(write(tmp_path, Train="a,b\n1,x\n"))


def test_open_refuses_a_table_in_two_formats(tmp_path: Path) -> None:
    write(tmp_path, orders=ORDERS)
    pd.DataFrame({"order_id": [1]}).to_parquet(tmp_path / "orders.parquet")
    with pytest.raises(
        DataError, match=r"orders.parquet and orders.csv are both the table orders; keep one of them"
    ):
        Dataset.open(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("orders.parquet", b"not parquet at all", "orders.parquet: cannot be read as Parquet"),
        ("orders.csv.gz", b"not gzip at all", "orders.csv.gz: cannot be read as CSV"),
        ("orders.csv.zip", b"not zip at all", "orders.csv.zip: cannot be unzipped"),
        (
            "orders.csv",
            b"order_id,order_time\n1,2026-01-01T00:00:00Z,x,y\n2,a,b\n",
            "orders.csv: cannot be read as CSV",
        ),
    ],
)
def test_open_says_that_a_file_is_unreadable(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        Dataset.open(tmp_path)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.csv": ORDERS, "b.csv": ORDERS}, "holds 2 files; a .csv.zip holds exactly one CSV file"),
        ({}, "holds 0 files"),
        ({"a.csv": ""}, r"the file in it is empty \(0 bytes\)"),
    ],
)
def test_open_wants_one_file_in_an_archive(tmp_path: Path, members: dict[str, str], message: str) -> None:
    with zipfile.ZipFile(tmp_path / "orders.csv.zip", "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with pytest.raises(DataError, match=message):
        Dataset.open(tmp_path)


def test_mapping_shapes_two_tables_of_one_file(tmp_path: Path) -> None:
    dataset = Dataset.open(write(tmp_path, shop=SHOP), mapping=parse(SHOP_MAPPING), as_of=LATER)
    facts = dataset.facts()
    assert facts["order_time"].iloc[0] == pd.Timestamp("2026-01-01T19:00Z")
    assert facts["category"].tolist() == ["DONE", "GONE"]
    assert facts["canceled"].tolist() == [0, 1]
    assert facts["lateness_s"].tolist() == [300, 0]
    assert {t.table: t.left_out for t in dataset.report.tables if t.present} == {"orders": 1, "deliveries": 1}


def test_mapping_reads_one_file_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "other name.csv").write_text(SHOP)
    dataset = Dataset.open(tmp_path / "other name.csv", mapping=parse(SHOP_MAPPING), as_of=LATER)
    assert len(dataset.facts()) == 2


def test_one_file_needs_a_mapping(tmp_path: Path) -> None:
    write(tmp_path, orders=ORDERS)
    with pytest.raises(DataError, match=r"is one file; give the folder that holds the tables, or a mapping"):
        Dataset.open(tmp_path / "orders.csv")


def test_mapping_joins_several_files(tmp_path: Path) -> None:
    write(tmp_path, jan="id,t\n1,2026-01-01T00:00Z\n", feb="t,id\n2026-02-01T00:00:00Z,2\n")
    text = "tables: {orders: {source: [jan.csv, feb.csv], columns: {order_id: id, order_time: t}}}"
    write(tmp_path, jan="id,t\n1,2026-01-01T00:00:00Z\n")
    assert Dataset.open(tmp_path, mapping=parse(text), as_of=LATER.replace(month=3)).facts()[
        "order_id"
    ].tolist() == ["1", "2"]
    write(tmp_path, feb="t,nr\n2026-02-01T00:00:00Z,2\n")
    with pytest.raises(
        MappingError, match=r"feb.csv has other columns \(t, nr\); jan.csv, feb.csv has: id, t"
    ):
        Dataset.open(tmp_path, mapping=parse(text))


def test_mapping_adds_dimensions_from_the_source(tmp_path: Path) -> None:
    text = "{tables: {orders: {source: orders.csv, columns: {order_id: order_id, order_time: order_time}}}, dimensions: {place: region}}"
    dataset = Dataset.open(write(tmp_path, orders=ORDERS), mapping=parse(text))
    assert dataset.dimensions == ("place",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("source: shop.csv", "source: shops.csv"),
            "the mapping reads shops.csv, which is not there; found: shop.csv",
        ),
        (
            ("order_id: Nr", "order_id: Number"),
            "mapping shop, orders.order_id: there is no column 'Number'; shop.csv has: Nr, When,",
        ),
        (
            ('upper("State")', "upper(status)"),
            'orders.category: Binder Error: Referenced column "status" not found',
        ),
        (('upper("State")', "upper("), "orders.category: expression 'upper(' is not SQL"),
        (('upper("State")', "(SELECT 1)"), "orders.category: expression '(SELECT 1)' may not hold a query"),
        (
            ("Nr IS NOT NULL", "Nmbr IS NOT NULL"),
            'orders.where: Binder Error: Referenced column "Nmbr" not found',
        ),
        (
            ("casts: {When: timestamp}", "casts: {Then: timestamp}"),
            "orders: casts: there is no column 'Then'",
        ),
        (('upper("State")', "error('stop')"), "mapping shop, orders: Invalid Input Error: stop"),
    ],
)
def test_mapping_that_does_not_fit_says_where(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    write(tmp_path, shop=SHOP)
    with pytest.raises(MappingError) as error:
        Dataset.open(tmp_path, mapping=parse(SHOP_MAPPING.replace(*change)))
    assert message in str(error.value)


def test_mapping_without_any_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"orders: the mapping gives no column of this table"):
        Dataset.open(write(tmp_path, orders=ORDERS), mapping=parse("tables: {orders: {source: orders.csv}}"))


def test_dimensions_that_are_absent_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        MappingError, match=r"orders: dimensions: there is no column 'tier'; orders has: order_id"
    ):
        Dataset.open(write(tmp_path, orders=ORDERS), mapping=parse("dimensions: {level: tier}"))


def test_mapping_without_orders_is_refused(tmp_path: Path) -> None:
    text = "tables: {deliveries: {source: orders.csv, columns: {order_id: order_id}}}"
    with pytest.raises(DataError, match=r"no table `orders`"):
        Dataset.open(write(tmp_path, orders=ORDERS), mapping=parse(text))


def test_parquet_scopes_may_be_nested(frames: Frames, tmp_path: Path) -> None:
    frames["orders"].to_parquet(tmp_path / "orders.parquet")
    scopes = pd.Series([{"region": "SF", "category": None}, {"region": None, "category": "x"}], dtype=object)
    changes = frames["policy_changes"].assign(scope=scopes)
    changes.to_parquet(tmp_path / "policy_changes.parquet")
    found = Dataset.open(tmp_path, as_of=LATER).policy_changes()
    assert [c.scope.model_dump() for c in found] == [{"category": "x"}, {"region": "SF"}]
