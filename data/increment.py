"""Opening a source with a store: what was read before is not read again.

A table's new files are checked by themselves and added to what was counted. Whatever makes that unsafe (a file
changed or gone, ids that are texts or not in new ranges, a row that breaks a rule) leads to a fresh start.
"""

import logging
from typing import NamedTuple

import ibis.expr.types as ir
import pyarrow as pa

from data.check import added, canonical_rows, clean, count_new
from data.contracts import TABLES
from data.daily import days_of, touched
from data.families import families_of
from data.mapping import FAMILIES
from data.source import Source
from data.store import Remembered, Snapshot, Store, TableSnapshot
from data.tables import Before, Tables

logger = logging.getLogger(__name__)


class _Grown(NamedTuple):
    """A source that is what it was, with some more files."""

    counts: dict[str, dict[str, int]]
    new: dict[str, dict[str, int]]
    """Counts of the new rows only, of tables that have some."""
    new_orders: ir.Table | None


def open_tables(source: Source, store: Store | None) -> Tables:
    """Check a source, with the help of a store where there is one.

    Raises:
        DataError: the data cannot be used as a whole.
    """
    if store is None or not all(table.in_place for table in source.tables.values()):
        return Tables(source.engine, source.mapping, clean(source), source.watch)
    remembered = store.remembered()
    grown = None if remembered is None else _grown(source, remembered)
    if remembered is None or grown is None:
        return _afresh(source, store, known=remembered is not None)
    checked = clean(source, counted=grown.counts)
    before = Before(remembered.profile.to_pandas(), grown.new_orders)
    base = Tables(source.engine, source.mapping, checked, source.watch, store, before)
    if grown.new:
        _forget_changed(store, base, grown)
        _remember(store, source, base)
    return base


def _afresh(source: Source, store: Store, *, known: bool) -> Tables:
    if known:
        logger.warning("files that were summed before have changed; everything is read again")
    store.forget_all()
    checked = clean(source)
    base = Tables(source.engine, source.mapping, checked, source.watch, store)
    if checked.report.clean:
        _remember(store, source, base)
        return base
    # Rows that are put aside may be mended by the next file: only whole passes can tell.
    return Tables(source.engine, source.mapping, checked, source.watch)


def _remember(store: Store, source: Source, base: Tables) -> None:
    stamps = source.watch.stamps
    tables = {
        name: TableSnapshot(
            files={str(f): stamps[f] for f in table.files}, counts=dict(base.clean.counts[name])
        )
        for name, table in source.tables.items()
    }
    store.remember(Snapshot(tables=tables), pa.Table.from_pandas(base.profile, preserve_index=False))


def _grown(source: Source, remembered: Remembered) -> _Grown | None:
    known = remembered.snapshot.tables
    if known.keys() != source.tables.keys():
        return None
    fresh = {}
    for name, table in source.tables.items():
        now = {str(file): source.watch.stamps[file] for file in table.files}
        if not known[name].files.items() <= now.items():
            return None
        fresh[name] = [file for file in table.files if str(file) not in known[name].files]
    came = {name: source.only(name, fresh[name]) for name in TABLES if fresh.get(name)}
    largest_first = sorted(
        came, key=lambda name: -sum(source.watch.stamps[file].size for file in fresh[name])
    )
    passes = {name: count_new(source, came[name]) for name in largest_first}
    counts = {name: dict(table.counts) for name, table in known.items()}
    new: dict[str, dict[str, int]] = {}
    for name in came:
        found = passes[name]()
        if found is None or not _apart(name, counts[name], found):
            return None
        counts[name], new[name] = added(counts[name], found), found
    return _Grown(counts, new, canonical_rows(source, came["orders"]) if "orders" in came else None)


def _apart(name: str, known: dict[str, int], found: dict[str, int]) -> bool:
    """Whether no key of the new rows can be one of the known."""
    key = TABLES[name].key
    if not key:
        return True
    low, high = f"first:{key}", f"last:{key}"
    if low not in found or known.keys() != found.keys():
        return False
    return found[low] > known[high] or found[high] < known[low]


def _forget_changed(store: Store, base: Tables, grown: _Grown) -> None:
    """Drop the sums that the new rows may change: of their days, and of the families that they tell of."""
    if base.new_profile is not None:
        store.forget([day.day for day in days_of(base.new_profile)], FAMILIES)
    for name, counts in grown.new.items():
        if "first:order_id" in counts:
            ids = counts["first:order_id"], counts["last:order_id"]
            store.forget(touched(base.days, ids), families_of(name))
