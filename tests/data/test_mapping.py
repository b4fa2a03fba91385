from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from data.contracts import TABLES
from data.errors import MappingError
from data.expressions import check_expression, quote
from data.mapping import Mapping, load, parse, shipped


def test_mapping_of_an_empty_file_is_the_default() -> None:
    assert parse("") == Mapping()


def test_mapping_takes_one_source_or_several() -> None:
    one = parse("tables: {orders: {source: a.csv, columns: {order_id: id}}}")
    many = parse("tables: {orders: {source: [a.csv, b.csv]}}")
    assert one.tables["orders"].source == ("a.csv",)
    assert many.tables["orders"].source == ("a.csv", "b.csv")


def test_mapping_zone_of_a_region() -> None:
    mapping = parse("{zones: {SF: America/Los_Angeles}, default_zone: Europe/Madrid}")
    assert [mapping.zone_of(region) for region in ("SF", "NY", None)] == [
        "America/Los_Angeles",
        "Europe/Madrid",
        "Europe/Madrid",
    ]
    assert Mapping().zone_of("SF") == "UTC"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "m.yaml: not valid YAML"),
        ("- a", "m.yaml: a mapping file holds keys and values, not list"),
        ("zone: x", "m.yaml: zone: Extra inputs are not permitted"),
        ("default_zone: Mars/Base", "m.yaml: default_zone: 'Mars/Base' is not a time zone"),
        ("zones: {SF: PDT7}", "m.yaml: zones: 'PDT7' is not a time zone"),
        ("naive_times: ''", "m.yaml: naive_times: '' is not a time zone"),
        ("tables: {order: {source: a.csv}}", "no table is called 'order'; known: orders, deliveries"),
        (
            "tables: {orders: {source: a.csv, columns: {eta: x}}}",
            "table orders has no column 'eta'; known: basket_value",
        ),
        ("tables: {orders: {source: a.csv, derive: {eta: x}}}", "table orders has no column 'eta'"),
        ("tables: {orders: {source: ../a.csv}}", "'../a.csv' must be a file name inside the data folder"),
        (
            "tables: {orders: {source: /etc/passwd}}",
            "'/etc/passwd' must be a file name inside the data folder",
        ),
        ("tables: {orders: {source: []}}", "name at least one file"),
        ("tables: {orders: {columns: {order_id: x}}}", "tables.orders.source: Field required"),
        (
            "tables: {orders: {source: a.csv, columns: {region: x}, derive: {region: y}}}",
            "column 'region' stands in columns and in derive",
        ),
        (
            "tables: {orders: {source: a.csv, casts: {x: money}}}",
            "tables.orders.casts.x: Input should be 'integer'",
        ),
        ("dimensions: {hour: x}", "dimension 'hour' must be a new name"),
        ("dimensions: {region: x}", "dimension 'region' must be a new name"),
        ("dimensions: {'a b': x}", "dimension 'a b' must be a new name"),
        ("on_time: {late_s: -1}", "on_time.late_s: Input should be greater than or equal to 0"),
        ("maturity: {delivery_h: 0}", "maturity.delivery_h: Input should be greater than 0"),
    ],
)
def test_mapping_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(MappingError) as error:
        parse(text, origin="m.yaml")
    assert message in str(error.value)


def test_load_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="no such mapping file; shipped in data/mappings: doordash_sample"):
        load(tmp_path / "absent.yaml")
    (tmp_path / "m.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MappingError, match="cannot be read as text"):
        load(tmp_path / "m.yaml")
    with pytest.raises(MappingError, match="cannot be read as text"):
        load(tmp_path)


def test_shipped_mappings_are_valid() -> None:
    found = shipped()
    assert list(found) == ["doordash_sample", "ecommerce_shipping", "flights_2013"]
    assert [mapping.name for mapping in found.values()] == list(found)


@pytest.mark.parametrize(
    "sql", ["(SELECT 1)", "a IN (SELECT b FROM read_csv('x'))", "1; DROP TABLE x", "", "DROP TABLE x", "a +"]
)
def test_expressions_may_not_hold_queries(sql: str) -> None:
    with pytest.raises(MappingError, match="expression"):
        check_expression(sql)


@pytest.mark.parametrize(
    "sql", ["a + 1", "coalesce(x, 'y')", "time_hour + to_minutes(minute)", "a IS NULL", "x // 2"]
)
def test_expressions_may_compute(sql: str) -> None:
    check_expression(sql)


@given(st.text())
def test_quote_keeps_any_name_in_one_piece(name: str) -> None:
    quoted = quote(name)
    assert quoted[0] == quoted[-1] == '"'
    assert quoted[1:-1].replace('""', "") == name.replace('"', "")


names = st.text("abcdefghij_.ABC 0123", min_size=1, max_size=12).filter(str.strip)
tables = st.sampled_from(sorted(TABLES)).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.fixed_dictionaries(
            {
                "source": st.lists(
                    st.text("abcxyz", min_size=1, max_size=8).map("{}.csv".format), min_size=1, max_size=3
                ),
                "columns": st.dictionaries(st.sampled_from([c.name for c in TABLES[name].columns]), names),
            }
        ),
    )
)
documents = st.fixed_dictionaries(
    {
        "name": names,
        "tables": st.lists(tables, max_size=4).map(dict),
        "zones": st.dictionaries(names, st.sampled_from(["UTC", "Europe/Madrid", "America/Denver"])),
        "on_time": st.fixed_dictionaries(
            {"early_s": st.one_of(st.none(), st.integers(0, 9999)), "late_s": st.integers(0, 9999)}
        ),
        "maturity": st.fixed_dictionaries({"refund_h": st.floats(0.01, 8760)}),
    }
)


@given(documents)
def test_mapping_survives_a_round_trip(document: dict[str, object]) -> None:
    mapping = parse(yaml.safe_dump(document))
    assert parse(yaml.safe_dump(mapping.model_dump(mode="json"))) == mapping
    assert mapping.maturity.microseconds("refund") == round(mapping.maturity.refund_h * 3_600_000_000)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_mapping_of_anything_is_a_mapping_or_a_clear_error(value: object) -> None:
    message = "m.yaml: "
    try:
        parse(yaml.safe_dump(value), origin="m.yaml")
    except MappingError as error:
        message = str(error)
    assert message.startswith("m.yaml: ")
