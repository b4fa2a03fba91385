"""The rows of an assignment: who got which arm, checked before anything is read from them.

One row an order, or one a unit: a window (`region`, `window_start`), a store (`store_id`), a customer (`user_id`).
"""

from collections.abc import Iterable, Sequence
from typing import Final

import pandas as pd

from tools.assignment import ARMS
from tools.errors import ToolFailure
from tools.experiment import Unit

ORDER: Final = "order_id"
UNIT_KEYS: Final[dict[Unit, tuple[str, ...]]] = {
    "switchback": ("region", "window_start"),
    "store_cluster": ("store_id",),
    "customer": ("user_id",),
}
_TIMES: Final = ("assigned_at", "window_start", "window_end")
_IDS: Final = (ORDER, "region", "store_id", "user_id", "arm", "experiment")
_SHOWN: Final = 3


class AssignmentError(ToolFailure):
    """The assignment cannot be used: says what is wrong, where, and what to do next."""


def checked(rows: pd.DataFrame, unit: Unit, *, others: Sequence[pd.DataFrame] = ()) -> pd.DataFrame:
    """The assignment, clean.

    Args:
        rows: `arm` and `order_id` with `assigned_at`, or `arm` and the keys of a unit; perhaps `share` (the chance
            that this row had of the treatment), `assigned_at`, `experiment`, `block`, `slot`.
        unit: of the plan.
        others: assignments of other experiments that run at the same time.

    Returns:
        A copy with ids as text and times in UTC.

    Raises:
        AssignmentError: the rows cannot be used.
    """
    clean = _clean(rows, unit)
    lonely = set(ARMS) - set(clean["arm"])
    if lonely:
        raise AssignmentError(f"no row has the arm {lonely.pop()}: there is nothing to compare with")
    for number, other in enumerate(others, start=1):
        _check_overlap(clean, _typed(other), number)
    return clean


def fresh(rows: pd.DataFrame, more: pd.DataFrame, unit: Unit) -> pd.DataFrame:
    """The further rows of an assignment that grows, clean; those that stand already with their arm are left out.

    Args:
        rows: the assignment so far; no rows where it begins.
        more: further rows, of the same columns.
        unit: of the plan.

    Raises:
        AssignmentError: the further rows cannot be used, or give another arm to what has one.
    """
    clean = _clean(more, unit)
    if rows.empty:
        return clean
    if set(rows) != set(more):
        raise AssignmentError(
            f"the rows have the columns {', '.join(map(str, more))}, the assignment so far has "
            f"{', '.join(map(str, rows))}; give the same columns, or start another experiment"
        )
    keys = keys_of(rows, unit)
    known = _typed(rows)[[*keys, "arm"]].rename(columns={"arm": "had"})
    had = clean.merge(known, on=keys, how="left")["had"]
    changed = had.notna() & (had != clean["arm"])
    if changed.any():
        raise AssignmentError(
            f"{int(changed.sum())} {_plural(keys)} have the other arm already, first in row {_rows(changed)}: an arm "
            "stays as it was drawn; start another experiment for a new draw"
        )
    return clean[had.isna().to_numpy()].reset_index(drop=True)


def _clean(rows: pd.DataFrame, unit: Unit) -> pd.DataFrame:
    if rows.empty:
        raise AssignmentError("the assignment has no rows: nothing was assigned, so nothing can be read")
    keys = keys_of(rows, unit)
    _require_columns(rows, keys)
    clean = _typed(rows)
    _check_arms(clean)
    _check_experiment(clean, keys)
    _check_keys(clean, keys)
    _check_shares(clean)
    return clean


def keys_of(rows: pd.DataFrame, unit: Unit) -> list[str]:
    """What names a row: the order, or the plan's unit."""
    if ORDER in rows:
        return [ORDER]
    wanted = UNIT_KEYS[unit]
    return [name for name in wanted if name in rows or name != "region"]


def _require_columns(rows: pd.DataFrame, keys: list[str]) -> None:
    wanted = [*keys, "arm", *(["assigned_at"] if keys == [ORDER] else [])]
    missing = [name for name in wanted if name not in rows]
    if missing:
        raise AssignmentError(
            f"the assignment has no column {', '.join(missing)}; it has {', '.join(map(str, rows))}. Give one row an "
            f"order (order_id, arm, assigned_at) or one a unit ({', '.join(keys)}, arm)"
        )


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    clean = rows.reset_index(drop=True).copy()
    for name in _IDS:
        if name in clean:
            clean[name] = clean[name].astype("string").str.strip()
    for name in _TIMES:
        if name in clean:
            clean[name] = _moments(clean[name])
    if "slot" in clean:
        clean["slot"] = _whole(clean["slot"])
    return clean


def _whole(column: pd.Series) -> pd.Series:
    number = pd.to_numeric(column, errors="coerce")
    bad = number.isna() | (number < 0) | (number % 1 != 0)
    if bad.any():
        raise AssignmentError(
            f"column {column.name}: {column[bad].iloc[0]!r} in row {_rows(bad)} is no place within a run; leave the "
            "columns block and slot out where arms were not drawn in runs"
        )
    return number.astype("int64")


def _moments(column: pd.Series) -> pd.Series:
    """Times in UTC; a time without a zone is refused."""
    text = column.astype("string")
    try:
        plain = [None if pd.isna(value) else pd.Timestamp(value) for value in text]
    except ValueError as error:
        raise AssignmentError(f"column {column.name}: {error}; write times as 2026-02-08T12:00Z") from error
    naive = [value for value in plain if value is not None and value.tzinfo is None]
    if naive:
        raise AssignmentError(
            f"column {column.name}: {naive[0]} has no zone; append Z for UTC, or an offset such as -05:00"
        )
    return pd.Series(pd.to_datetime(plain, utc=True), index=column.index, name=column.name).astype(
        "datetime64[us, UTC]"
    )


def _check_arms(rows: pd.DataFrame) -> None:
    unknown = rows.loc[~rows["arm"].isin(ARMS), "arm"]
    if len(unknown):
        names = sorted({"(empty)" if pd.isna(value) else repr(value) for value in unknown})
        raise AssignmentError(
            f"unknown arm {', '.join(names[:_SHOWN])} in {len(unknown)} rows; arms are {' and '.join(ARMS)}"
        )


def _check_experiment(rows: pd.DataFrame, keys: list[str]) -> None:
    if "experiment" not in rows:
        return
    names = sorted(rows["experiment"].dropna().unique())
    if len(names) < 2:
        return
    both = rows.groupby(keys)["experiment"].nunique()
    shared = int((both > 1).sum())
    raise AssignmentError(
        f"the assignment holds {len(names)} experiments ({', '.join(names[:_SHOWN])}), and {shared} of {len(both)} "
        f"{_plural(keys)} are in more than one; give the rows of one experiment"
    )


def _check_keys(rows: pd.DataFrame, keys: list[str]) -> None:
    empty = rows[keys].isna().any(axis=1)
    if empty.any():
        raise AssignmentError(
            f"{int(empty.sum())} rows have no {' or '.join(keys)}; first in row {_rows(empty)}"
        )
    twice = rows.duplicated(keys, keep=False)
    if not twice.any():
        return
    arms = rows[twice].groupby(keys)["arm"].nunique()
    contradicting = int((arms > 1).sum())
    what = f"{len(arms)} {_plural(keys)} stand more than once, {contradicting} of them with both arms"
    raise AssignmentError(f"{what}; first in rows {_rows(twice)}. Each must stand once, with the arm it had")


def _check_shares(rows: pd.DataFrame) -> None:
    if "share" not in rows:
        return
    share = pd.to_numeric(rows["share"], errors="coerce")
    bad = ~((share > 0) & (share < 1))
    if bad.any():
        raise AssignmentError(
            f"share must lie between 0 and 1: {rows.loc[bad, 'share'].iloc[0]} in row {_rows(bad)}"
        )


def _check_overlap(rows: pd.DataFrame, other: pd.DataFrame, number: int) -> None:
    keys = next(
        (k for k in ([ORDER], *map(list, UNIT_KEYS.values())) if {*k} <= {*rows} and {*k} <= {*other}), None
    )
    if keys is None:
        raise AssignmentError(
            f"other assignment {number} names no {' or '.join((ORDER, *sum(UNIT_KEYS.values(), ())))} that this one "
            "has: whether they overlap cannot be told; give both by order, or both by the same unit"
        )
    shared = rows.merge(other[keys].drop_duplicates(), on=keys)
    if len(shared):
        named = "".join(
            f" {name!r}" for name in other.get("experiment", pd.Series(dtype=str)).dropna().unique()[:1]
        )
        raise AssignmentError(
            f"{len(shared)} of {len(rows)} {_plural(keys)} are also in another experiment{named}, first "
            f"{', '.join(map(str, shared.iloc[0][keys]))}: neither can be read there; leave them out of one of the two"
        )


def _plural(keys: Iterable[str]) -> str:
    names = {ORDER: "orders", "store_id": "stores", "user_id": "customers"}
    return next((names[key] for key in keys if key in names), "windows")


def _rows(mask: pd.Series) -> str:
    """Numbers of the first rows of a mask, as in a CSV file: the line after the header is 2."""
    found = [str(int(at) + 2) for at in mask.index[mask.to_numpy(bool)][:_SHOWN]]
    return ", ".join(found)
