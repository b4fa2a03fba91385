"""Datasets as the settings say: on which engine, from files or from a database."""

from datetime import datetime
from pathlib import Path
from typing import Final

from data.dataset import Dataset
from data.mapping import Mapping
from server.settings import Settings

IN_ENGINE: Final = Path("engine:")
"""In place of a folder: the tables lie in the engine already."""


def open_data(
    settings: Settings, data: Path, *, mapping: Mapping | None = None, as_of: datetime | None = None
) -> Dataset:
    """The dataset of a folder, or of the engine's own tables.

    Raises:
        DataError: the data cannot be used.
        MappingError: the mapping does not fit the data.
    """
    if data == IN_ENGINE:
        return Dataset.connect(settings.engine_choice, mapping=mapping, as_of=as_of)
    return Dataset.open(
        data, mapping=mapping, as_of=as_of, engine=settings.engine_choice, store=settings.cell_store
    )
