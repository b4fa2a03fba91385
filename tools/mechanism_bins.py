"""The bins of like parents that mechanisms are learned in: made once for all orders, so that a resample only counts.

The bins of a node are a tree: one for all orders, then by its strongest parent, and so on to all of its parents. Only
bins that hold an order are kept; parents that were never seen together are in the finest bin that was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Key = tuple[Ints, int]
"""A parent's code by order, and how many codes it has."""


@dataclass(frozen=True)
class Tree:
    """Bins of like parents, coarse before fine."""

    sizes: tuple[int, ...]
    """Codes of each parent, the strongest first."""
    starts: tuple[int, ...]
    """First bin of each layer, and after the last one how many there are."""
    up: Ints
    """By bin, the one without its weakest parent; the bin of all orders is its own."""
    code: Ints
    """By bin, its code of its weakest parent; 0 of the bin of all orders."""
    leaf: Ints
    """By code of all parents together, the finest bin with any order."""
    own: Ints
    """By order, its bin by all parents."""

    @classmethod
    def of(cls, keys: Sequence[Key], orders: int) -> Self:
        """The tree of some orders.

        Args:
            keys: the parents, the strongest first.
            orders: how many there are.

        Example:
            >>> tree = Tree.of([(np.array([0, 0, 2]), 3), (np.array([0, 1, 1]), 2)], 3)
            >>> tree.starts, tree.own.tolist(), tree.leaf.tolist()
            ((0, 1, 3, 6), [3, 4, 5], [3, 4, 0, 0, 2, 5])
        """
        starts, up, last = [0, 1], [np.zeros(1, dtype=np.int64)], [np.zeros(1, dtype=np.int64)]
        own, leaf = np.zeros(orders, dtype=np.int64), np.zeros(1, dtype=np.int64)
        for code, size in keys:
            first, end = starts[-2:]
            seen, at = np.unique((own - first) * size + code, return_inverse=True)
            child = np.full((end - first, size), -1, dtype=np.int64)
            child.ravel()[seen] = end + np.arange(len(seen))
            finer = np.where((leaf >= first)[:, None], child[np.maximum(leaf - first, 0)], -1)
            leaf = np.where(finer >= 0, finer, leaf[:, None]).ravel()
            own = end + at
            up.append(first + seen // size)
            last.append(seen % size)
            starts.append(end + len(seen))
        return cls(
            tuple(size for _, size in keys),
            tuple(starts),
            np.concatenate(up),
            np.concatenate(last),
            leaf,
            own,
        )

    def layers(self, own: Ints) -> list[Ints]:
        """The bins of some orders in every layer, coarse before fine.

        Args:
            own: their bins by all parents.
        """
        found = [own]
        for _ in self.sizes:
            found.append(self.up[found[-1]])
        return found[::-1]

    def settled(self, enough: npt.NDArray[np.bool_]) -> Ints:
        """By bin, the finest one that holds it and is enough; the bin of all orders always is.

        Args:
            enough: by bin.
        """
        found = np.arange(len(enough))
        for first, end in zip(self.starts[1:-1], self.starts[2:], strict=True):
            mine = found[first:end]
            found[first:end] = np.where(enough[first:end], mine, found[self.up[first:end]])
        return found

    def marked(self, marks: Sequence[npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
        """By bin, whether a code of any of its parents is marked.

        Args:
            marks: of each parent, the strongest first, by code.

        Example:
            >>> tree = Tree.of([(np.array([0, 0, 2]), 3), (np.array([0, 1, 1]), 2)], 3)
            >>> tree.marked([np.array([False, False, True]), np.array([False, False])]).tolist()
            [False, False, True, False, False, True]
        """
        found = np.zeros(self.starts[-1], dtype=bool)
        for first, end, mark in zip(self.starts[1:-1], self.starts[2:], marks, strict=True):
            found[first:end] = found[self.up[first:end]] | mark[self.code[first:end]]
        return found

    def find(self, codes: Sequence[Ints], size: int) -> Ints:
        """The finest bins with any order, shape (size,).

        Args:
            codes: of the parents, the strongest first, each of shape (size,).
            size: how many are asked for.
        """
        at = np.zeros(size, dtype=np.int64)
        for code, kinds in zip(codes, self.sizes, strict=True):
            at = at * kinds + code
        return np.asarray(self.leaf[at])


@dataclass(frozen=True)
class Places:
    """A column's values as whole numbers in their order, which sort faster."""

    values: npt.NDArray[np.float64]
    """The distinct ones, ascending."""
    rank: Ints
    """By order."""

    @classmethod
    def of(cls, column: npt.NDArray[np.float64]) -> Self:
        """The places of a column."""
        values, rank = np.unique(column, return_inverse=True)
        return cls(values, np.asarray(rank, dtype=np.int64))

    @property
    def bits(self) -> int:
        """That a rank takes."""
        return len(self.values).bit_length()


def within(bins: Ints, rank: Ints, bits: int) -> Ints:
    """The ranks of some orders, sorted within their bins, the bins one after the other.

    Example:
        >>> within(np.array([1, 0, 1]), np.array([3, 2, 0]), 2).tolist()
        [2, 0, 3]
    """
    both = (bins << bits) | rank
    both.sort()
    return np.asarray(both & ((1 << bits) - 1))
