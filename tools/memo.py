"""Shared work on a dataset, done once: results keyed by the dataset object and the arguments."""

from collections.abc import Callable, Hashable
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

from data.dataset import Dataset

T = TypeVar("T")

_KEPT: WeakKeyDictionary[Dataset, dict[Hashable, object]] = WeakKeyDictionary()


def memo(dataset: Dataset, key: Hashable, compute: Callable[[], T]) -> T:
    """`compute()`, or what it returned before for the same dataset object and key.

    The result is shared: callers must not change it. It is dropped together with the dataset.
    """
    kept = _KEPT.setdefault(dataset, {})
    if key not in kept:
        kept[key] = compute()
    return cast("T", kept[key])
