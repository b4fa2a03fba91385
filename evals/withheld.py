"""A dataset without some of its tables or columns, for cases whose cause cannot be seen."""

from collections.abc import Mapping as Frames
from datetime import datetime
from typing import Final

import pandas as pd

from data.dataset import ContextEvent, Dataset, PolicyChange
from data.errors import NotTestableError
from data.mapping import Mapping

FACTS_OF: Final[Frames[str, tuple[str, ...]]] = {
    "deliveries.dasher_wait": ("dasher_wait_s", "assign_s", "pickup_s"),
    "deliveries.merchant_prep_time": ("prep_s", "assign_s", "pickup_s"),
    "deliveries.batched_flag": ("batched", "batch_size"),
}
"""Columns of the facts that go with a column of a table."""


class Withheld(Dataset):
    """The same dataset, as if some tables or columns had never been recorded.

    Args:
        whole: the dataset.
        absent: tables, and columns that `FACTS_OF` knows.
    """

    def __init__(self, whole: Dataset, absent: frozenset[str]) -> None:
        self._whole = whole
        self._absent = absent
        hidden = {column for name in absent for column in FACTS_OF.get(name, ())}
        self._seen = whole.facts().drop(columns=sorted(hidden & set(whole.facts())))

    @property
    def as_of(self) -> datetime:
        """As the whole's."""
        return self._whole.as_of

    @property
    def mapping(self) -> Mapping:
        """As the whole's."""
        return self._whole.mapping

    @property
    def fingerprint(self) -> str:
        """As the whole's."""
        return self._whole.fingerprint

    @property
    def dimensions(self) -> tuple[str, ...]:
        """As the whole's."""
        return self._whole.dimensions

    @property
    def quarantine(self) -> Frames[str, int]:
        """As the whole's."""
        return self._whole.quarantine

    def has(self, name: str) -> bool:
        """Whether it is there and was not withheld."""
        table = name.partition(".")[0]
        return not {name, table} & self._absent and self._whole.has(name)

    def require(self, *names: str) -> None:
        """Raise `NotTestableError` for the first that is absent or withheld."""
        for name in names:
            if not self.has(name):
                raise NotTestableError(name)

    def facts(self) -> pd.DataFrame:
        """The facts without the withheld columns."""
        return self._seen

    def policy_changes(self) -> tuple[PolicyChange, ...]:
        """None where withheld."""
        return self._whole.policy_changes() if self.has("policy_changes") else ()

    def context_events(self) -> tuple[ContextEvent, ...]:
        """None where withheld."""
        return self._whole.context_events() if self.has("context_events") else ()

    def supply(self) -> pd.DataFrame:
        """Supply snapshots; raises `NotTestableError` where withheld."""
        self.require("supply_snapshots")
        return self._whole.supply()

    def inventory(self) -> pd.DataFrame:
        """Inventory events; raises `NotTestableError` where withheld."""
        self.require("inventory_events")
        return self._whole.inventory()

    def order_lines(self, start: datetime, end: datetime) -> pd.DataFrame:
        """Order lines; raises `NotTestableError` where withheld."""
        self.require("items")
        return self._whole.order_lines(start, end)
