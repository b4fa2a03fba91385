"""Simulated worlds side by side, in processes that are renewed now and then."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, TypeVar

A = TypeVar("A")
B = TypeVar("B")

RENEWED_AFTER: Final = 12
"""Cases a process works through; a new one starts with clean memory."""


def side_by_side(work: Callable[[A], B], cases: Sequence[A], *, workers: int) -> Iterator[B]:
    """The results of all cases, in their order, whatever the number of processes; 1 works in this one.

    Each batch has a pool of its own: a pool that renews its processes by itself (`max_tasks_per_child`) may
    wait for ever on Python 3.11 (CPython issue 115634).
    """
    if workers == 1:
        yield from map(work, cases)
        return
    batch = RENEWED_AFTER * workers
    for first in range(0, len(cases), batch):
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from pool.map(work, cases[first : first + batch])
