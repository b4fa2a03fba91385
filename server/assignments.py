"""Assignments on their way in and out of the system of record, and the port through which tools read them."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from tools.assignment_file import AssignmentError

Row = Mapping[str, str | int | float | None]
TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


def from_csv(text: str) -> pd.DataFrame:
    """The rows of a CSV text, as text.

    Raises:
        AssignmentError: it is no CSV.
    """
    try:
        return pd.read_csv(io.StringIO(text), dtype=str)
    except pd.errors.EmptyDataError as error:
        raise AssignmentError(
            "the assignment is empty: give a header and one row an order or a unit"
        ) from error
    except pd.errors.ParserError as error:
        raise AssignmentError(f"the assignment is no CSV ({str(error).strip()})") from error


def from_rows(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows of a JSON list, as text.

    Example:
        >>> from_rows([{"store_id": 7, "arm": "control"}]).to_dict("records")
        [{'store_id': '7', 'arm': 'control'}]
    """
    frame = pd.DataFrame([dict(row) for row in rows])
    return frame.astype("string").astype(object).where(frame.notna(), None)


def to_csv(rows: pd.DataFrame) -> str:
    """Clean rows as they are kept."""
    return rows.to_csv(index=False, date_format=TIME)


def together(parts: Sequence[str]) -> pd.DataFrame:
    """The parts of an assignment as one; no rows where there are none."""
    if not parts:
        return pd.DataFrame()
    return pd.concat([from_csv(part) for part in parts], ignore_index=True)


@dataclass(frozen=True)
class StoredAssignments:
    """The port `assignments`, filled from the system of record."""

    own: Sequence[str]
    """Parts of the experiment that is read, as kept."""
    running: Sequence[Sequence[str]] = ()
    """Of every other experiment that runs on orders which could be the same."""

    def rows(self) -> pd.DataFrame:
        """The assignment of the experiment that is read."""
        return together(self.own)

    def others(self) -> tuple[pd.DataFrame, ...]:
        """Those of other experiments that run at the same time."""
        return tuple(together(parts) for parts in self.running)
