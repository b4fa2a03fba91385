"""Checking a source: canonical types, row rules, quarantine.

What stops the analysis (a required column is absent, times have no zone) is raised as `DataError`; single
rows that break a rule are put aside, counted and shown, and the rest is used.
"""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from data.casts import canonical
from data.contracts import TABLES, ColumnType, Table
from data.errors import DataError
from data.fingerprint import RESIDUES, Content, with_residues
from data.mapping import Mapping
from data.report import BrokenRule, CheckReport, TableReport
from data.rules import FAILED, ORDER_FOUND, ORDER_TIME, RAW, Rule, rules, scope_problem
from data.source import Source, SourceTable

_NAIVE = "naive:"
_EXAMPLES = 3
_MOST_ROWS = 0.5
"""A column of which more than this share is not of its type is of another type, not broken."""


class Extent(NamedTuple):
    """The first and last value of a time column, in microseconds since 1970 UTC."""

    first: int
    last: int


@dataclass(frozen=True)
class Clean:
    """The usable rows of a source, in canonical types, on its engine."""

    tables: Dict[str, ir.Table]
    report: CheckReport
    contents: Dict[str, Content]
    """What each table's rows come to, for the fingerprint."""
    extents: Dict[str, Dict[str, Extent]]
    """Table: time column: its extent."""
    counts: Dict[str, Dict[str, int]]
    """Table: what the pass over it counted."""


class _Measured(NamedTuple):
    """What one pass over usable rows found."""

    content: Content
    extents: Dict[str, Extent]


@dataclass(frozen=True)
class _Result:
    rows: ir.Table | None
    report: TableReport
    broken: tuple[BrokenRule, ...]
    measured: _Measured
    counts: Dict[str, int]


def clean(source: Source, *, counted: Dict[str, Dict[str, int]] | None = None) -> Clean:
    """Check a source and keep what is usable of it.

    Args:
        source: tables as they were found.
        counted: what `count_new` and earlier passes counted of tables without a broken row.

    Raises:
        DataError: the data cannot be used as a whole; says what is wrong, where, and what to do next.
    """
    _require_columns(source)
    counted = counted or {}
    orders = _clean(source, "orders", None, counted.get("orders"))
    _require_usable(orders)
    names = [name for name in TABLES if name in source.tables and name != "orders"]
    results = {"orders": orders} | {name: _clean(source, name, orders, counted.get(name)) for name in names}
    usable = {name: result for name, result in results.items() if result.rows is not None}
    return Clean(
        tables={name: result.rows for name, result in usable.items() if result.rows is not None},
        report=_report(source.mapping, results),
        contents={name: result.measured.content for name, result in usable.items()},
        extents={name: result.measured.extents for name, result in usable.items()},
        counts={name: result.counts for name, result in results.items()},
    )


def count_new(source: Source, new: SourceTable) -> Callable[[], dict[str, int] | None]:
    """Begin a pass over new rows of a table.

    Returns:
        What waits for its counts; None where the rows are not fit to be added without a look.
    """
    table = TABLES[new.name]
    orders = None if new.name == "orders" else _orders_of(source, new)
    typed = _typed(source, table, new, orders)
    checks = rules(table, typed, bad_scopes=_bad_scopes(source, typed))
    row = source.engine.start(_counted(source, table, _flagged(typed, checks), checks))

    def fit() -> dict[str, int] | None:
        counts = _whole_numbers(row())
        doubtful = any(counts[c] for c in counts if c.startswith(("rule", FAILED, _NAIVE)))
        return None if doubtful or _repeated(source, new, counts) else counts

    return fit


def canonical_rows(source: Source, found: SourceTable) -> ir.Table:
    """A table whose columns hold nothing but values of their types, in canonical types."""
    present = [c for c in _columns(source, TABLES[found.name]) if c in found.rows.columns]
    return found.rows.select(**_canonical_columns(source, found, present))


def _orders_of(source: Source, new: SourceTable) -> ir.Table:
    """The orders that new rows may belong to."""
    orders = canonical_rows(source, source.tables["orders"])
    if "order_id" not in new.rows.columns or not orders.order_id.type().is_integer():
        return orders
    ids = canonical_rows(source, new).order_id
    row = source.engine.arrow(ids.as_table().aggregate(low=ids.min(), high=ids.max())).to_pylist()[0]
    return orders if row["low"] is None else orders.filter(orders.order_id.between(row["low"], row["high"]))


def added(one: Dict[str, int], other: Dict[str, int]) -> dict[str, int]:
    """The counts of both tables' rows together."""
    return {name: _added(name, one, other) for name in one}


def _added(name: str, one: Dict[str, int], other: Dict[str, int]) -> int:
    kind, _, column = name.partition(":")
    if kind not in ("first", "last"):
        return one[name] + other[name]
    known = [counts[name] for counts in (one, other) if counts[f"given:{column}"]]
    return (min if kind == "first" else max)(known, default=0)


def untestable(present: Any, needs: Dict[str, Sequence[str]]) -> dict[str, str]:  # noqa: ANN401
    """Which questions cannot be asked, and why.

    Args:
        present: a dataset, or anything with its `has`.
        needs: question: tables and `table.column`s that it needs.

    Returns:
        Question: `no column X` or `no table X`, for the first thing that is absent.
    """
    absent = {question: [n for n in names if not present.has(n)] for question, names in needs.items()}
    return {
        question: f"no {'column' if '.' in names[0] else 'table'} {names[0]}"
        for question, names in absent.items()
        if names
    }


def _require_columns(source: Source) -> None:
    for name, table in source.tables.items():
        for column in TABLES[name].columns:
            if not column.required or column.name in table.rows.columns:
                continue
            has = f"it has: {', '.join(table.rows.columns)}"
            if (name, column.name) == ("orders", "order_time"):
                raise DataError(
                    f"orders ({table.origin}): no times at all: the required column order_time is missing, and "
                    f"nothing can be compared before and after; {has}. Add it, or map a column to it"
                )
            raise DataError(
                f"{name} ({table.origin}): required column {column.name} is missing; {has}. "
                "Add it, or map a column to it (docs/mappings.md)"
            )


def _require_usable(orders: _Result) -> None:
    if orders.rows is not None:
        return
    if orders.report.rows == 0:
        raise DataError(
            f"orders ({orders.report.origin}): the table has no rows; there is nothing to look at"
        )
    worst = max(orders.broken, key=lambda rule: rule.rows)
    raise DataError(
        f"orders ({orders.report.origin}): none of {orders.report.rows} rows is usable; in {worst.rows} "
        f"{worst.column} {worst.meaning}, for example {worst.examples[0]}"
    )


def _clean(source: Source, name: str, orders: _Result | None, counted: Dict[str, int] | None) -> _Result:
    table, found = TABLES[name], source.tables[name]
    reported: list[BrokenRule] = []
    if counted is None:
        typed = _typed(source, table, found, None if orders is None else _known_orders(source, orders))
        checks = rules(table, typed, bad_scopes=_bad_scopes(source, typed))
        counts = _whole_numbers(source.engine.arrow(_counted(source, table, _flagged(typed, checks), checks)))
        _refuse(table, found, source, typed, counts)
        broken = [(rule, counts[f"rule{i}"]) for i, rule in enumerate(checks) if counts[f"rule{i}"]]
        kept = typed.filter(~reduce(or_, [r.broken.fill_null(False) for r, _ in broken])) if broken else typed
        reported = [_broken_rule(source, table, typed, rule, rows) for rule, rows in broken]
        if _repeated(source, found, counts):
            kept, surplus = _without_duplicates(source, table, kept)
            reported += [surplus] if surplus else []
    else:
        kept, counts = found.rows, dict(counted)
    present = [c for c in _columns(source, table) if c in found.rows.columns]
    empty = tuple(c for c in present if not counts[f"given:{c}"] and counts["rows"])
    chosen = [c for c in present if c not in empty]
    if found.in_place and not reported:
        rows = found.rows.select(**_canonical_columns(source, found, chosen))
    else:
        rows = source.engine.keep(f"clean_{name}", kept.select(chosen))
    measured = _measure(source, table, rows) if reported else _measured(_columns(source, table), counts)
    usable = measured.content.rows
    report = TableReport(
        table=name,
        level=table.level,
        present=True,
        origin=found.origin,
        rows=counts["rows"],
        usable=usable,
        left_out=found.left_out,
        missing_columns=tuple(c.name for c in table.columns if c.name not in found.rows.columns),
        empty_columns=empty,
    )
    return _Result(rows if usable else None, report, tuple(reported), measured, counts)


def _flagged(typed: ir.Table, checks: Sequence[Rule]) -> ir.Table:
    return typed.mutate(**{f"rule{i}": rule.broken for i, rule in enumerate(checks)})


def _columns(source: Source, table: Table) -> dict[str, ColumnType]:
    extra = dict.fromkeys(source.mapping.dimensions, "category") if table.name == "orders" else {}
    return {c.name: c.type for c in table.columns} | extra  # type: ignore[return-value]  # literals of dict.fromkeys


def _typed(source: Source, table: Table, found: SourceTable, orders: ir.Table | None) -> ir.Table:
    """Canonical columns beside the flags and values that the rules and examples read."""
    columns: dict[str, ir.Value] = {}
    for name, kind in _columns(source, table).items():
        if name not in found.rows.columns:
            continue
        raw = _raw(source, found, name)
        cast = canonical(source.engine, raw, kind, naive_zone=source.mapping.naive_times)
        columns[name] = cast.value
        if cast.failed is not None:
            columns[FAILED + name] = cast.failed.fill_null(False)
        if cast.naive is not None:
            columns[_NAIVE + name] = cast.naive.fill_null(False)
        if cast.failed is not None or cast.naive is not None:
            columns[RAW + name] = raw.cast("string")
    typed = found.rows.select(**columns)
    return _with_orders(typed, orders) if orders is not None and "order_id" in columns else typed


def _raw(source: Source, found: SourceTable, name: str) -> ir.Column:
    raw = found.rows[name]
    return raw.cast("string") if name == "order_id" and not _numbered(source) else raw


def _canonical_columns(source: Source, found: SourceTable, names: Sequence[str]) -> dict[str, ir.Value]:
    """Columns that are known to hold nothing but values of their types."""
    kinds, zone = _columns(source, TABLES[found.name]), source.mapping.naive_times
    return {
        name: canonical(source.engine, _raw(source, found, name), kinds[name], naive_zone=zone).value
        for name in names
    }


def _numbered(source: Source) -> bool:
    """Whether every table knows orders by a whole number; else they meet as text."""
    ids = [table.rows["order_id"] for table in source.tables.values() if "order_id" in table.rows.columns]
    return all(column.type().is_integer() for column in ids)


def _known_orders(source: Source, orders: _Result) -> ir.Table:
    if orders.rows is not None and orders.report.usable == orders.report.rows:
        return orders.rows
    # A broken order still exists: its outcomes are not to be called orphans.
    every = _typed(source, TABLES["orders"], source.tables["orders"], None)
    known = every.filter(every.order_id.notnull()).select("order_id", "order_time")
    return known.group_by("order_id").agg(order_time=known.order_time.min())


def _with_orders(typed: ir.Table, orders: ir.Table) -> ir.Table:
    known = orders.select(**{ORDER_FOUND: orders.order_id, ORDER_TIME: orders.order_time})
    return typed.left_join(known, typed.order_id == known[ORDER_FOUND])


def _bad_scopes(source: Source, typed: ir.Table) -> tuple[str, ...]:
    if "scope" not in typed.columns:
        return ()
    texts = source.engine.arrow(typed.select("scope").distinct())["scope"].to_pylist()
    return tuple(sorted(text for text in texts if text is not None and scope_problem(text)))


def _counted(source: Source, table: Table, typed: ir.Table, checks: Sequence[Rule]) -> ir.Table:
    """Everything that one pass over the table can find out: what is given, what is broken, what it comes to."""
    rows = _with_residues(source, table, typed)
    wanted: dict[str, ir.Scalar] = {"rows": rows.count()}
    for name in _columns(source, table):
        for column, prefix in ((FAILED + name, ""), (_NAIVE + name, ""), (name, "given:")):
            if column in rows.columns:
                wanted[prefix + column] = rows[column].count() if prefix else rows.count(where=rows[column])
    for i in range(len(checks)):
        wanted[f"rule{i}"] = rows.count(where=rows[f"rule{i}"])
    return rows.aggregate(**wanted, **_measures(source, table, rows))


def _with_residues(source: Source, table: Table, rows: ir.Table) -> ir.Table:
    columns = [c for c in _columns(source, table) if c in rows.columns]
    return with_residues(source.engine, table.name, rows, columns)


def _whole_numbers(row: pa.Table) -> dict[str, int]:
    return {name: int(value or 0) for name, value in row.to_pylist()[0].items()}


def _measures(source: Source, table: Table, rows: ir.Table) -> dict[str, ir.Scalar]:
    """What `_measured` reads."""
    wanted: dict[str, ir.Scalar] = {name: rows[name].sum().cast("int64") for name in RESIDUES}
    for column, kind in _columns(source, table).items():
        counted = kind == "time" or (kind == "id" and column in (table.key, "order_id"))
        if column in rows.columns and counted and rows[column].type().is_integer():
            wanted |= {f"first:{column}": rows[column].min(), f"last:{column}": rows[column].max()}
    return wanted


def _measured(columns: Dict[str, ColumnType], counts: Dict[str, int]) -> _Measured:
    times = [c for c, kind in columns.items() if kind == "time" and counts.get(f"given:{c}")]
    extents = {c: Extent(counts[f"first:{c}"], counts[f"last:{c}"]) for c in times}
    return _Measured(Content(counts["rows"], tuple(counts[name] for name in RESIDUES)), extents)


def _measure(source: Source, table: Table, rows: ir.Table) -> _Measured:
    """The same, of rows some of which were left out."""
    rows = _with_residues(source, table, rows)
    given = {f"given:{c}": rows[c].count() for c in _columns(source, table) if c in rows.columns}
    wanted = {"rows": rows.count()} | given | _measures(source, table, rows)
    return _measured(_columns(source, table), _whole_numbers(source.engine.arrow(rows.aggregate(**wanted))))


def _repeated(source: Source, found: SourceTable, counts: Dict[str, int]) -> bool:
    """Whether a key stands in more than one row."""
    key = TABLES[found.name].key
    if not key:
        return False
    # The join with the orders would only repeat what the table itself says.
    value = canonical(source.engine, _raw(source, found, key), "id", naive_zone=None).value
    return source.engine.distinct(found.rows.select(key=value), "key") < counts[f"given:{key}"]


def _refuse(
    table: Table, found: SourceTable, source: Source, typed: ir.Table, counts: Dict[str, int]
) -> None:
    """Raise where a column as a whole is not what the contract says."""
    for name, kind in _columns(source, table).items():
        naive, failed = counts.get(_NAIVE + name, 0), counts.get(FAILED + name, 0)
        if naive:
            raise DataError(
                f"{table.name}.{name} ({found.origin}): {naive} times have no zone, for example "
                f"{_raw_example(source, typed, name, _NAIVE)}; write them with one (2026-01-31T18:00:00Z), or say "
                "in the mapping which zone they are in (naive_times: Europe/Madrid)"
            )
        if failed > _MOST_ROWS * (failed + counts.get(f"given:{name}", 0)):
            raise DataError(
                f"{table.name}.{name} ({found.origin}): is not of type {kind} in {failed} of {counts['rows']} rows, "
                f"for example {_raw_example(source, typed, name, FAILED)}; correct the column, or map another one"
            )


def _raw_example(source: Source, typed: ir.Table, name: str, prefix: str) -> str:
    rows = typed.filter(typed[prefix + name]).select(value=typed[RAW + name]).order_by("value").limit(1)
    return repr(source.engine.arrow(rows)["value"][0].as_py())


def _without_duplicates(source: Source, table: Table, kept: ir.Table) -> tuple[ir.Table, BrokenRule | None]:
    """One row a key: the smallest, so that the order of the file does not matter."""
    order = [kept[c] for c in kept.columns if c in {c.name for c in table.columns}]
    numbered = kept.mutate(copy=ibis.row_number().over(group_by=table.key, order_by=order))
    surplus = numbered.filter(numbered.copy > 0)
    count = int(source.engine.arrow(surplus.aggregate(found=surplus.count()))["found"][0].as_py())
    if not count:
        return kept, None
    keys = surplus.select(table.key).distinct().order_by(table.key).limit(_EXAMPLES)
    examples = tuple(f"{table.key}={k}" for k in source.engine.arrow(keys)[table.key].to_pylist())
    meaning = "is there more than once; one row of each is kept"
    rule = BrokenRule(
        table=table.name,
        column=table.key,
        rule="duplicate_key",
        meaning=meaning,
        rows=count,
        examples=examples,
    )
    return numbered.filter(numbered.copy == 0).drop("copy"), rule


def _broken_rule(source: Source, table: Table, typed: ir.Table, rule: Rule, rows: int) -> BrokenRule:
    names = [table.key] if table.key else [c.name for c in table.columns if c.required]
    marks = [n for n in names if n in typed.columns and n != rule.column]
    chosen = typed.filter(rule.broken).select(*marks, shown=typed[rule.shown])
    found = source.engine.arrow(chosen.order_by(*marks, "shown").limit(_EXAMPLES)).to_pylist()
    kinds = {c.name: c.type for c in table.columns}
    examples = tuple(
        ", ".join(f"{m}={_shown(row[m], kinds[m])}" for m in marks)
        + (": " if marks else "")
        + f"{rule.column}={_shown(row['shown'], kinds[rule.column])}"
        for row in found
    )
    return BrokenRule(
        table=table.name, column=rule.column, rule=rule.id, meaning=rule.meaning, rows=rows, examples=examples
    )


def _shown(value: Any, kind: ColumnType) -> str:  # noqa: ANN401  # a cell
    if value is None:
        return "(empty)"
    if kind == "time" and isinstance(value, int):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)).isoformat()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)[:80]


def _report(mapping: Mapping, results: Dict[str, _Result]) -> CheckReport:
    absent = {
        name: TableReport(
            table=name,
            level=table.level,
            present=False,
            origin=None,
            rows=0,
            usable=0,
            left_out=0,
            missing_columns=tuple(c.name for c in table.columns),
            empty_columns=(),
        )
        for name, table in TABLES.items()
        if name not in results
    }
    tables = tuple(results[n].report if n in results else absent[n] for n in TABLES)
    broken = tuple(rule for n in TABLES if n in results for rule in results[n].broken)
    return CheckReport(
        mapping=mapping.name,
        tables=tables,
        broken=broken,
        warnings=_warnings(tables, broken),
        notes=mapping.notes,
    )


def _warnings(tables: Sequence[TableReport], broken: Sequence[BrokenRule]) -> tuple[str, ...]:
    lost = {t.table: t.rows - t.usable for t in tables if t.present and t.rows > t.usable}
    warnings = [
        f"{count} of the rows of {name} break a rule and are left out" for name, count in lost.items()
    ]
    warnings += [
        f"{t.table} has no usable rows and counts as absent" for t in tables if t.present and not t.usable
    ]
    warnings += [
        f"{t.table}.{column} has no values and counts as absent"
        for t in tables
        if t.usable
        for column in t.empty_columns
    ]
    return tuple(warnings)
