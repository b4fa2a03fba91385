"""SQL expressions of mapping files: quoting, and what they may not do."""

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

from data.errors import MappingError


def quote(name: str) -> str:
    """A name as a SQL identifier.

    Example:
        >>> quote('Reached.on.Time_Y.N')
        '"Reached.on.Time_Y.N"'
    """
    return '"' + name.replace('"', '""') + '"'


def check_expression(sql: str) -> None:
    """Refuse what is not one expression over the row's own columns.

    A folder may bring its own mapping, so an expression must not be able to read other files.

    Raises:
        MappingError: it is no expression, several statements, or holds a query of its own.

    Example:
        >>> check_expression("created_at + to_minutes(wait)")
        >>> check_expression("(SELECT 1)")
        Traceback (most recent call last):
        data.errors.MappingError: expression '(SELECT 1)' may not hold a query of its own
    """
    try:
        parsed = sqlglot.parse(sql, read="duckdb")
    except SqlglotError as error:
        raise MappingError(f"expression {sql!r} is not SQL: {_plain(error)}") from error
    if len(parsed) != 1 or parsed[0] is None:
        raise MappingError(f"expression {sql!r} must be exactly one SQL expression")
    if parsed[0].find(exp.Query, exp.Command, exp.DDL, exp.DML):
        raise MappingError(f"expression {sql!r} may not hold a query of its own")


def _plain(error: SqlglotError) -> str:
    return str(error).splitlines()[0].replace("\x1b[4m", "").replace("\x1b[0m", "")
