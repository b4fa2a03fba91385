"""Errors a caller can act on, by who must act.

    DataError                 the data cannot be used as it is (exit code 4)
    ├── MappingError          the mapping file does not fit the data
    └── NotTestableError      a question needs a table or column that is absent

A plain `ValueError` means that an argument was wrong; anything else is a bug.
"""


class DataError(Exception):
    """The data cannot be used: says what is wrong, where, and what to do next."""


class MappingError(DataError):
    """The mapping file names something that the data do not have, or is malformed."""


class NotTestableError(DataError):
    """A question needs a table or column that this dataset does not have.

    Args:
        missing: what is absent, as `table` or `table.column`.

    Example:
        >>> str(NotTestableError("orders.promised_eta"))
        'not testable: no column orders.promised_eta'
        >>> str(NotTestableError("ratings"))
        'not testable: no table ratings'
    """

    def __init__(self, missing: str) -> None:
        kind = "column" if "." in missing else "table"
        super().__init__(f"not testable: no {kind} {missing}")
        self.missing = missing
