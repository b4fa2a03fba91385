"""Files that are read in place: a dataset never changes, so they must not either."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from data.errors import DataError


class Stamp(NamedTuple):
    """What tells that a file was written again."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, file: Path) -> "Stamp":
        """The stamp of a file as it is now."""
        stat = file.stat()
        return cls(stat.st_size, stat.st_mtime_ns)


@dataclass
class Watch:
    """Files and their stamps when they were opened."""

    stamps: dict[Path, Stamp] = field(default_factory=dict)

    def add(self, files: Iterable[Path]) -> None:
        """Watch these files."""
        self.stamps |= {file: Stamp.of(file) for file in files}

    def check(self) -> None:
        """Raise `DataError` where a file is not what it was when it was opened."""
        for file, stamp in self.stamps.items():
            if not file.is_file() or Stamp.of(file) != stamp:
                raise DataError(f"{file}: has changed while it was being used; open the folder again")
