"""A hash of what a dataset says, not of how it is stored.

The cells of a row become whole numbers (a text its MD5), these are mixed into two residues, and the residues of
all rows are added: so neither the file format nor the order of rows and columns matters, no engine needs a sort,
parts of a table can be hashed one by one, and all arithmetic is on integers that every engine has. An empty cell
adds nothing, so a column without values is the same as no column.
"""

import hashlib
import json
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Final, NamedTuple

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from data.contracts import TABLES
from data.engines import Engine
from data.mapping import Mapping

_MEANING = {"zones", "default_zone", "on_time", "maturity", "dimensions"}
"""Parts of a mapping that change results without changing rows."""
_PRIME: Final = 2**31 - 1
_WEIGHTS: Final = 2**26
"""A sum of 31 products of a cell's number and a weight fits into 63 bits."""
_MICRO: Final = 1_000_000
_LARGEST: Final = 9.0e12
_BEYOND: Final = 9_000_000_000_000_000_000
"""Stands for all numbers that are not below `_LARGEST`; in millionths."""
_DIGITS: Final = (ord("0"), ord("9"))
_MINUS: Final = ord("-")
_GIVEN: Final = 63_188_557
"""Added to every cell that is not empty: 0 and "no value" differ."""
_SALTS: Final = ((40_503_001, 289_706_101, 77_003_041), (779_033_703, 5_600_011, 902_117_303))
"""Of each residue, one for each round of mixing."""
RESIDUES: Final = ("residue:0", "residue:1")
"""Columns of `with_residues`."""
_CELL: Final = "cell:"


class Content(NamedTuple):
    """What the rows of a table come to."""

    rows: int
    sums: tuple[int, ...]

    def __add__(self, other: object) -> "Content":
        """Of both tables' rows together."""
        if not isinstance(other, Content):
            return NotImplemented
        return Content(
            self.rows + other.rows, tuple(a + b for a, b in zip(self.sums, other.sums, strict=True))
        )


def fingerprint(contents: Dict[str, Content], columns: Dict[str, Sequence[str]], mapping: Mapping) -> str:
    """The fingerprint of clean tables and what their mapping says of their meaning.

    Args:
        contents: of each table.
        columns: of each table, those with values.
        mapping: its zones, bounds, ages and dimensions count; its name, notes and SQL do not.

    Returns:
        16 hexadecimal digits.
    """
    content = {name: [sorted(columns[name]), found.rows, *found.sums] for name, found in contents.items()}
    meaning = mapping.model_dump(mode="json", include=_MEANING)
    text = json.dumps({"tables": content, "meaning": meaning}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def with_residues(engine: Engine, name: str, table: ir.Table, columns: Sequence[str]) -> ir.Table:
    """A table with the columns `residue:0`, `residue:1`, whose sums are those of its `Content`.

    The sums are to be computed in a query together with others. Each step is a selection of its own, so that
    engines compute it once.

    Args:
        engine: holds the table.
        name: of the table in the contract.
        table: in canonical types.
        columns: those that count.
    """
    ids = {c.name for c in TABLES[name].columns if c.type == "id"}
    numbered = table.mutate(**{_CELL + c: _number(engine, table[c], may_be_number=c in ids) for c in columns})
    mixed = numbered.mutate(**{RESIDUES[part]: _mixed(numbered, columns, part) for part in (0, 1)})
    for salts in zip(*_SALTS, strict=True):
        values = [mixed[name] for name in RESIDUES]
        pairs = zip(RESIDUES, values, salts, strict=True)
        mixed = mixed.mutate(**{name: value * (value + salt) % _PRIME for name, value, salt in pairs})
    return mixed.drop([_CELL + c for c in columns])


def _mixed(numbered: ir.Table, columns: Sequence[str], part: int) -> ir.IntegerValue:
    weighed = (numbered[_CELL + c] * _weight(c, part) for c in sorted(columns))
    return reduce(add, weighed, ibis.literal(0, "int64")) % _PRIME


def _number(engine: Engine, column: ir.Column, *, may_be_number: bool) -> ir.IntegerValue:
    """A cell as a number of at most 31 bits (and a sign); 0 where it is empty."""
    kind = column.type()
    if kind.is_string():
        number = engine.text_number(column) % _PRIME
        if may_be_number:
            # Only what begins like a number is tried: most ids that are texts do not, and trying is slow.
            first = column.ascii_str()
            whole = engine.try_cast(column, dt.int64)
            as_number = ibis.ifelse(whole.cast("string") == column, whole % _PRIME, number)
            number = ibis.ifelse(first.between(*_DIGITS) | (first == _MINUS), as_number, number)
    elif kind.is_floating():
        # Half up: engines round halves differently, and all floor alike.
        fits = column.abs() < _LARGEST
        millionths = (column * _MICRO + 0.5).floor().cast("int64")
        number = ibis.ifelse(fits, millionths, _BEYOND) % _PRIME
    elif kind.is_boolean():
        number = ibis.ifelse(column, 1, 0).cast("int64")
    else:
        number = column.cast("int64") % _PRIME
    return ibis.ifelse(column.isnull(), 0, number + _GIVEN)


def _weight(column: str, part: int) -> int:
    digest = hashlib.blake2b(f"{part}:{column}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % (_WEIGHTS - 1) + 1
