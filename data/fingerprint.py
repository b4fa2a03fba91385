"""A hash of what a dataset says, not of how it is stored.

The numbers of a row are mixed into two residues, these and the row's texts are hashed, and the hashes of all
rows are added: so neither the file format nor the order of rows and columns matters, no engine needs a sort,
and all arithmetic is on integers that every engine has.
"""

import hashlib
import json
from collections.abc import Mapping as Dict
from functools import reduce
from operator import add

import ibis
import ibis.expr.types as ir

from data.contracts import TABLES
from data.mapping import Mapping

_MEANING = {"zones", "default_zone", "on_time", "maturity", "dimensions"}
"""Parts of a mapping that change results without changing rows."""
_PRIME = 2**31 - 1
_WEIGHTS = 2**26
"""A sum of 32 products of a residue and a weight fits into 63 bits."""
_MICRO = 1_000_000
_LARGEST = 9.0e18
_EMPTY = -7_046_029_254_386_353_131
"""Stands for "no value"."""
_PARTS = 2
_DIGITS = 8


def fingerprint(tables: Dict[str, ir.Table], mapping: Mapping) -> str:
    """The fingerprint of clean tables and what their mapping says of their meaning.

    Args:
        tables: of `data.check`, in canonical types.
        mapping: its zones, bounds, ages and dimensions count; its name, notes and SQL do not.

    Returns:
        16 hexadecimal digits.
    """
    content = {name: _table(name, tables[name]) for name in sorted(tables)}
    meaning = mapping.model_dump(mode="json", include=_MEANING)
    text = json.dumps({"tables": content, "meaning": meaning}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _table(name: str, table: ir.Table) -> dict[str, object]:
    digest = _row_text(name, table).hexdigest("md5")
    hashed = table.select(digest=digest)
    sums = {
        f"part{i}": _as_number(hashed.digest.substr(i * _DIGITS, _DIGITS)).sum().cast("int64")
        for i in range(_PARTS)
    }
    row = hashed.aggregate(rows=hashed.count(), **sums).to_pyarrow().to_pylist()[0]
    return {"columns": sorted(table.columns), **{name: int(value or 0) for name, value in row.items()}}


def _row_text(name: str, table: ir.Table) -> ir.StringValue:
    """The row as one short text: two residues of its numbers, then its texts."""
    ids = {c.name for c in TABLES[name].columns if c.type == "id"}
    numbers, texts = [], []
    for column in sorted(table.columns):
        number, text = _cell(table[column], may_be_number=column in ids)
        if number is not None:
            reduced = number.fill_null(_EMPTY) % _PRIME
            numbers.append(tuple(reduced * _weight(column, i) for i in (0, 1)))
        if text is not None:
            texts.append(text)
    residues = [(reduce(add, part) % _PRIME).cast("string") + "\x1f" for part in zip(*numbers, strict=True)]
    return reduce(add, [*residues, *texts], ibis.literal(""))


def _cell(column: ir.Column, *, may_be_number: bool) -> tuple[ir.IntegerValue | None, ir.StringValue | None]:
    """A value as a number, as a text, or as either where an id may be both."""
    kind = column.type()
    if kind.is_floating():
        return (column * _MICRO).round().clip(-_LARGEST, _LARGEST).cast("int64"), None
    if not kind.is_string():
        number = column.cast("int64")
        return number, None
    text = ibis.literal(column.get_name() + "=") + column + "\x1f"
    if not may_be_number:
        return None, text.fill_null("")
    number = column.try_cast("int64")
    same = number.cast("string") == column
    return ibis.ifelse(same, number, ibis.null("int64")), ibis.ifelse(same, "", text).fill_null("")


def _weight(column: str, part: int) -> int:
    digest = hashlib.blake2b(f"{part}:{column}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % (_WEIGHTS - 1) + 1


def _as_number(digits: ir.StringValue) -> ir.IntegerValue:
    return (ibis.literal("0x") + digits).cast("int64")
