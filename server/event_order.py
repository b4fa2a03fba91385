"""The order of a run's events: a function of what was emitted, not of when it arrived.

The graph is a sequence of sections. A section is one node, or a fan-out whose branches run side by side.
A later section starts only after all branches of the earlier one are done, so sections are in order of
arrival. Within a fan-out, events are in order of `(ordinal, branch)`, and one is released as soon as every
branch has reached its ordinal or has ended: the log stays live, and does not depend on the race.
"""

from dataclasses import dataclass, field
from typing import NamedTuple


class Origin(NamedTuple):
    """Where an event comes from; no two events of a run share one."""

    node: str
    branch: str
    ordinal: int


@dataclass
class _Section:
    branches: tuple[str, ...]
    waiting: set[tuple[int, str]] = field(default_factory=set)
    ends: dict[str, int] = field(default_factory=dict)
    """By branch: the ordinal of its last event."""
    turn: tuple[int, int] = (0, 0)
    """The ordinal and the position in `branches` whose event is next."""

    def release(self) -> list[tuple[int, str]]:
        """Take what can be released, in order."""
        released: list[tuple[int, str]] = []
        while any(self._open(branch, self.turn[0]) for branch in self.branches):
            ordinal, position = self.turn
            branch = self.branches[position]
            if (ordinal, branch) in self.waiting:
                self.waiting.remove((ordinal, branch))
                released.append((ordinal, branch))
            elif self._open(branch, ordinal):
                break
            position = (position + 1) % len(self.branches)
            self.turn = (ordinal + (position == 0), position)
        return released

    def _open(self, branch: str, ordinal: int) -> bool:
        return branch not in self.ends or ordinal <= self.ends[branch]

    def flush(self) -> list[tuple[int, str]]:
        """Take everything that waits: no earlier event can come any more."""
        released, self.waiting = sorted(self.waiting), set()
        return released


class Order:
    """Puts the events of one run in order as they arrive.

    Example:
        >>> order = Order()
        >>> order.push(Origin("triage", "", 0))
        [Origin(node='triage', branch='', ordinal=0)]
        >>> both = ("merchant", "supply")
        >>> order.push(Origin("investigate", "supply", 0), siblings=both)
        []
        >>> [o.branch for o in order.push(Origin("investigate", "merchant", 0), siblings=both)]
        ['merchant', 'supply']
    """

    def __init__(self) -> None:
        self._sections: dict[str, _Section] = {}
        self._current: str | None = None
        self._seen: set[Origin] = set()

    def __contains__(self, origin: Origin) -> bool:
        return origin in self._seen

    def push(self, origin: Origin, *, siblings: tuple[str, ...] = (), last: bool = False) -> list[Origin]:
        """Add an event and return the origins that are released by it, in order.

        An origin that was pushed before changes nothing. An event of a section that is over (which happens
        only where a node that ran again says more than the first time) comes at the end.
        """
        if origin in self._seen:
            return []
        self._seen.add(origin)
        released = self._enter(origin, siblings)
        if origin.node != self._current:
            return [*released, origin]
        section = self._sections[origin.node]
        if origin.branch not in section.branches:
            return [*released, origin]
        section.waiting.add((origin.ordinal, origin.branch))
        if last:
            section.ends[origin.branch] = origin.ordinal
        return [*released, *self._origins(origin.node, section.release())]

    def _enter(self, origin: Origin, siblings: tuple[str, ...]) -> list[Origin]:
        if origin.node in self._sections:
            return []
        released = self.flush()
        self._sections[origin.node] = _Section(tuple(sorted(siblings)) or (origin.branch,))
        self._current = origin.node
        return released

    def flush(self) -> list[Origin]:
        """Release everything that waits in the current section."""
        if self._current is None:
            return []
        return self._origins(self._current, self._sections[self._current].flush())

    @staticmethod
    def _origins(node: str, places: list[tuple[int, str]]) -> list[Origin]:
        return [Origin(node, branch, ordinal) for ordinal, branch in places]
