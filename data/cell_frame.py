"""The cells of many days as one frame, filled day by day.

Each day is copied to its place: beside the columns, no more than one day of what is read has to be in memory.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from data.tables import encoded


class CellFrame:
    """A frame of whole numbers and categories.

    Args:
        room: at least as many rows as will come; what is not used is never touched.
        columns: names, in order.
        categories: those that hold texts of few values; the others hold int64.
    """

    def __init__(self, room: int, columns: Sequence[str], categories: Sequence[str]) -> None:
        self._categories = tuple(categories)
        self._parts: dict[str, npt.NDArray[np.signedinteger]] = {
            name: np.empty(room, dtype=np.int32 if name in categories else np.int64) for name in columns
        }
        self._numbers: dict[str, dict[str, int]] = {name: {} for name in categories}
        """Values by category, numbered in the order of their first appearance."""
        self._filled = 0

    def add(self, rows: pa.Table) -> None:
        """Put more rows at the end.

        Raises:
            ValueError: there is no room for them.
        """
        place = slice(self._filled, self._filled + len(rows))
        for name, part in self._parts.items():
            part[place] = self._encoded(name, rows) if name in self._categories else rows[name].to_numpy()
        self._filled = place.stop

    def frame(self) -> pd.DataFrame:
        """The frame, once every row is there; its categories are sorted."""
        parts = {name: part[: self._filled] for name, part in self._parts.items()}
        columns = {n: self._category(n, part) if n in self._categories else part for n, part in parts.items()}
        return pd.DataFrame(columns, copy=False)

    def _encoded(self, name: str, rows: pa.Table) -> npt.NDArray[np.int32]:
        column = encoded(rows.select([name]), (name,))[name].combine_chunks()
        numbers = self._numbers[name]
        numbered = [numbers.setdefault(value, len(numbers)) for value in column.dictionary.to_pylist()]
        return np.asarray(np.array(numbered, dtype=np.int32)[column.indices.to_numpy()])

    def _category(self, name: str, numbers: npt.NDArray[np.signedinteger]) -> "pd.Categorical[int]":
        values = sorted(self._numbers[name])
        rank = np.empty(len(values), dtype=np.int32)
        rank[[self._numbers[name][value] for value in values]] = np.arange(len(values))
        return pd.Categorical.from_codes(rank[numbers], dtype=pd.CategoricalDtype(values))
