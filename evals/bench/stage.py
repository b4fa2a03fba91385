"""Measuring one piece of work: its wall time, its processor time, and the memory of a process of its own."""

import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from time import perf_counter
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Timed:
    """A step of a measurement."""

    name: str
    wall_s: float
    cpu_s: float


class Stopwatch:
    """Times steps one after the other."""

    def __init__(self) -> None:
        self.steps: list[Timed] = []

    def time(self, name: str, work: Callable[[], R]) -> R:
        """Do a step and note how long it took."""
        begun, used = perf_counter(), _cpu_s()
        try:
            return work()
        finally:
            self.steps.append(Timed(name, perf_counter() - begun, _cpu_s() - used))


def peak_memory_mb() -> float:
    """The most memory that this process ever held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1_000_000


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Measured:
    """What a process of its own did."""

    steps: tuple[Timed, ...]
    peak_mb: float
    counts: dict[str, int]
    """What the work returned."""

    @property
    def wall_s(self) -> float:
        """Of all steps together."""
        return sum(step.wall_s for step in self.steps)

    @property
    def cpu_s(self) -> float:
        """Of all steps together, over all processors."""
        return sum(step.cpu_s for step in self.steps)


def apart(
    work: Callable[Concatenate[Stopwatch, P], dict[str, int]], *args: P.args, **kwargs: P.kwargs
) -> Measured:
    """Do something in a fresh process, so that its memory is its own.

    Args:
        work: a function of a module; gets a stopwatch first and returns what it counted.
        args: its further arguments.
        kwargs: likewise.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure, work, args, kwargs).result()


def _measure(
    work: Callable[..., dict[str, int]], args: tuple[object, ...], kwargs: dict[str, object]
) -> Measured:
    watch = Stopwatch()
    counts = work(watch, *args, **kwargs)
    return Measured(tuple(watch.steps), peak_memory_mb(), counts)
