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
        parsed = sqlglot.parse(f"SELECT ({sql}\n)", read="duckdb")  # parsed, not run
    except SqlglotError as error:
        raise MappingError(f"expression {sql!r} is not SQL: {_plain(error)}") from error
    only = parsed[0] if len(parsed) == 1 else None
    found = _only_expression(only) if isinstance(only, exp.Select) else None
    if found is None:
        raise MappingError(f"expression {sql!r} must be exactly one SQL expression")
    if found.find(exp.Query):
        raise MappingError(f"expression {sql!r} may not hold a query of its own")


def _only_expression(select: exp.Select) -> exp.Expression | None:
    """What a query selects, if it is one thing in brackets and from nowhere."""
    if len(select.expressions) != 1 or select.args.get("from_"):
        return None
    selected = select.expressions[0]
    return selected if isinstance(selected, exp.Paren | exp.Subquery) else None


def _plain(error: SqlglotError) -> str:
    # The position counts from what was put around the expression; it would mislead.
    return str(error).splitlines()[0].split(". Line")[0]
