"""Stating the cause of a resolved incident, for the command line."""

from server.cli.console import show
from server.cli.exits import CommandError
from server.database import open_database
from server.errors import PreconditionFailedError
from server.repository import Repository
from server.settings import Settings
from tools.cause_found import CauseFound
from tools.incident_lifecycle import MoveError

LOCAL = "local"
"""Whoever sits at this machine, as the service without keys calls them."""


def state_cause(settings: Settings, incident_id: str, cause: str, *, reason: str) -> None:
    """Keep what was found to be the cause of an incident.

    Raises:
        CommandError: there is no such cause or incident, or the incident's standing does not allow it.
    """
    if cause not in set(CauseFound):
        raise CommandError(f"there is no cause {cause!r}; known: {', '.join(CauseFound)}")
    engine = open_database(settings.database_url)
    try:
        repository = Repository(engine)
        record = repository.incident(incident_id)
        if record is None:
            raise CommandError(f"there is no incident {incident_id!r} in the records of the service")
        after = repository.state_cause(
            incident_id, CauseFound(cause), version=record.version, actor=LOCAL, reason=reason
        )
    except (MoveError, PreconditionFailedError) as error:
        raise CommandError(str(error)) from error
    finally:
        engine.dispose()
    show(f"{after.id}: cause {cause} (version {after.version})")
