"""A hash of what a dataset says, not of how it is stored.

Every row becomes a text of canonical integers and strings, is hashed on its own, and the hashes are added:
so neither the file format nor the order of rows and columns matters, and the engine needs no sort.
"""

import hashlib
import json
from collections.abc import Mapping as Dict

import ibis
import ibis.expr.types as ir

from data.mapping import Mapping

_MEANING = {"zones", "default_zone", "on_time", "maturity", "dimensions"}
"""Parts of a mapping that change results without changing rows."""
_PARTS = 4
_DIGITS = 8


def fingerprint(tables: Dict[str, ir.Table], mapping: Mapping) -> str:
    """The fingerprint of clean tables and what their mapping says of their meaning.

    Args:
        tables: of `data.check`, in canonical types.
        mapping: its zones, bounds, ages and dimensions count; its name, notes and SQL do not.

    Returns:
        16 hexadecimal digits.
    """
    content = {name: _table(tables[name]) for name in sorted(tables)}
    meaning = mapping.model_dump(mode="json", include=_MEANING)
    text = json.dumps({"tables": content, "meaning": meaning}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _table(table: ir.Table) -> dict[str, object]:
    columns = sorted(table.columns)
    digest = _row_text(table, columns).hexdigest("md5")
    hashed = table.select(digest=digest)
    sums = {
        f"part{i}": _as_number(hashed.digest.substr(i * _DIGITS, _DIGITS)).sum().cast("int64")
        for i in range(_PARTS)
    }
    row = hashed.aggregate(rows=hashed.count(), **sums).to_pyarrow().to_pylist()[0]
    return {"columns": columns, **{name: int(value or 0) for name, value in row.items()}}


def _row_text(table: ir.Table, columns: list[str]) -> ir.StringValue:
    cells = [_cell(table[column]) for column in columns]
    return ibis.literal("\x1f").join(cells)


def _cell(column: ir.Column) -> ir.StringValue:
    if column.type().is_floating():
        column = (column * 1_000_000).round().cast("int64")
    elif column.type().is_boolean():
        column = column.cast("int64")
    return column.cast("string").fill_null("\x1e")


def _as_number(digits: ir.StringValue) -> ir.IntegerValue:
    return (ibis.literal("0x") + digits).cast("int64")
