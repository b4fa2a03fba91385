"""Row rules: what the contract says that a usable row fulfils, as expressions over a typed table."""

import json
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Dict
from functools import reduce
from operator import or_
from typing import Literal, NamedTuple

import ibis.expr.types as ir
from pydantic import ValidationError

from data.contracts import Column, Table
from data.slices import Slice

RuleId = Literal[
    "required", "type", "bounds", "reference", "before_order", "interval", "scope", "duplicate_key"
]

FAILED = "failed:"
"""Prefix of the flag that a source's value is not of its column's type."""
RAW = "raw:"
"""Prefix of the source's value, for examples."""
ORDER_FOUND = "order:found"
ORDER_TIME = "order:time"


class Rule(NamedTuple):
    """One rule and the rows that break it."""

    id: RuleId
    column: str
    meaning: str
    broken: ir.BooleanValue
    shown: str
    """Column of the typed table whose value an example shows."""


def rules(table: Table, typed: ir.Table, *, bad_scopes: Iterable[str] = ()) -> tuple[Rule, ...]:
    """The rules of a table, in the order of its columns.

    Args:
        table: the contract.
        typed: canonical columns, with `failed:` flags, `raw:` values and, where the table has an order,
            `order:found` and `order:time`.
        bad_scopes: texts of JSON columns that are no scope.
    """
    found = [rule for c in table.columns if c.name in typed.columns for rule in _of_column(table, c, typed)]
    if {"start", "end"} <= set(typed.columns):
        broken = typed["end"] < typed["start"]
        found.append(Rule("interval", "end", "ends before it starts", broken, "end"))
    bad = list(bad_scopes)
    if bad:
        found.append(
            Rule("scope", "scope", "is no JSON object like a slice", typed["scope"].isin(bad), "scope")
        )
    return tuple(found)


def _of_column(table: Table, column: Column, typed: ir.Table) -> Iterator[Rule]:
    name, value = column.name, typed[column.name]
    failed = typed[FAILED + name] if FAILED + name in typed.columns else None
    if failed is not None:
        yield Rule("type", name, f"is not a {_words(column)}", failed, RAW + name)
    if column.required or name == table.key:
        empty = value.isnull() if failed is None else value.isnull() & ~failed
        yield Rule("required", name, "is empty", empty, name)
    bounds = [test for test in (_below(column, value), _above(column, value)) if test is not None]
    if bounds:
        yield Rule("bounds", name, f"lies outside {_range(column)}", reduce(or_, bounds), name)
    if column.references and ORDER_FOUND in typed.columns:
        absent = value.notnull() & typed[ORDER_FOUND].isnull()
        yield Rule("reference", name, f"is not in {column.references}", absent, name)
    if column.after_order:
        placed = typed["order_time"] if table.name == "orders" else typed[ORDER_TIME]
        yield Rule("before_order", name, "lies before the order was placed", value < placed, name)


def _below(column: Column, value: ir.Column) -> ir.BooleanValue | None:
    return None if column.low is None else value < column.low


def _above(column: Column, value: ir.Column) -> ir.BooleanValue | None:
    return None if column.high is None else value > column.high


def _words(column: Column) -> str:
    names = {"flag": "flag (true/false)", "integer": "whole number", "time": "time (ISO 8601 with a zone)"}
    return names.get(column.type, column.type)


def _range(column: Column) -> str:
    if column.high is None:
        return f"{column.low:g} and above"
    return f"{column.low:g} to {column.high:g}"


def scope_problem(text: str) -> str | None:
    """Why a text is no scope, or None where it is one.

    Example:
        >>> scope_problem('{"region": "SF"}')
        >>> scope_problem('[1]')
        'not a JSON object'
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg}"
    if not isinstance(value, dict):
        return "not a JSON object"
    try:
        _parse(value)
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    return None


def parse_scope(text: str | None) -> Slice:
    """The scope of a policy change or context event; empty means everywhere.

    Example:
        >>> parse_scope('{"region": "SF"}').get("region")
        'SF'
    """
    if text is None:
        return Slice()
    return _parse(json.loads(text))


def _parse(value: Dict[str, object]) -> Slice:
    # Columnar formats give every scope the keys of all; an empty one fixes nothing.
    return Slice.parse({name: part for name, part in value.items() if part is not None})
