from pathlib import Path

import pytest

from data.contracts import TABLES, documentation, empty

DOCS = Path(__file__).parents[2] / "docs"


def test_tables_page_is_current() -> None:
    text = (DOCS / "tables.md").read_text(encoding="utf-8")
    assert text == documentation(), "run: python -m data.contracts > docs/tables.md"


@pytest.mark.parametrize("name", TABLES)
def test_table_is_whole(name: str) -> None:
    table = TABLES[name]
    assert list(empty(name).columns) == [c.name for c in table.columns]
    if table.key:
        assert table.column(table.key).required
    with pytest.raises(KeyError):
        table.column("nothing")


def test_references_name_a_column() -> None:
    for table in TABLES.values():
        for column in table.columns:
            if column.references:
                target, _, key = column.references.partition(".")
                assert TABLES[target].key == key
