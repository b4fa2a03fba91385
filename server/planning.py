"""An experiment on an action of somebody's own choosing, for the command line: pure, nothing is stored."""

from collections.abc import Mapping

from threadpoolctl import threadpool_limits

from agents.investigation import UnknownIncidentError
from data.dataset import Dataset
from data.slices import Slice
from server.analysis import detect_incidents
from server.cli.exits import CommandError, ExitCode
from tools.design import check_asked, experiment_plan
from tools.errors import ToolFailure
from tools.experiment import ExperimentPlan
from tools.incidents import Incident, Kind
from tools.own_action import Choice, choose, own_action
from tools.registry import ToolContext
from tools.settings import AnalysisSettings


def parse_choice(action: str, given: Mapping[str, str]) -> Choice:
    """An action with its parameters; raises `CommandError` for what its template does not allow."""
    try:
        return choose(action, given)
    except ValueError as error:
        raise CommandError(str(error)) from error


def parse_size(mde_pp: float | None, days: int | None) -> float | None:
    """The smallest effect as a share; raises `CommandError` for an effect or a length that cannot be planned."""
    if mde_pp is not None and not 0 < mde_pp < 100:
        raise CommandError(
            f"--mde {mde_pp:g} must lie between 0 and 100 percentage points: no experiment can see less than something"
        )
    mde = None if mde_pp is None else mde_pp / 100
    try:
        check_asked(mde, days)
    except ValueError as error:
        raise CommandError(f"--{error}") from error
    return mde


def find_incident(
    dataset: Dataset, *, rules: AnalysisSettings, id: str | None = None, latest: bool = False
) -> Incident:
    """An incident that customers feel: the one of this id, the latest, or the worst.

    Raises:
        CommandError: there is none, or none of this id, or it is a fault of the data.
        DataError: there is too little to compare with.
    """
    found = detect_incidents(dataset, rules=rules).incidents
    felt = [incident for incident in found if incident.kind is Kind.CX]
    if id is not None:
        chosen = next((incident for incident in found if incident.id == id), None)
        if chosen is None:
            raise CommandError(str(UnknownIncidentError(id, tuple(incident.id for incident in found))))
        if chosen.kind is not Kind.CX:
            raise CommandError(
                f"incident {id} is a fault of the data: mend the feed, there is nothing to try out",
                ExitCode.NEGATIVE,
            )
        return chosen
    if not felt:
        raise CommandError("no incident that customers feel: there is nothing to try out", ExitCode.NEGATIVE)
    return max(felt, key=lambda incident: (incident.onset, incident.id)) if latest else felt[0]


def plan_own_action(
    dataset: Dataset,
    incident: Incident,
    choice: Choice,
    *,
    rules: AnalysisSettings,
    scope: Slice | None = None,
    mde: float | None = None,
    days: int | None = None,
) -> ExperimentPlan:
    """The experiment, sized from the scope's own history.

    Args:
        dataset: the data.
        incident: gives the orders.
        choice: from `parse_choice`.
        rules: settings of the analysis.
        scope: another slice than the incident's.
        mde: smallest effect worth seeing, share.
        days: length.

    Raises:
        CommandError: the data cannot tell what the action would do, or the scope or change is not in them.
        NotTestableError: a table or column that the action needs is absent.
    """
    context = ToolContext(dataset, rules)
    _check_scope(dataset, scope)
    try:
        with threadpool_limits(1):
            recommendation = own_action(context, incident, choice, scope=scope)
            return experiment_plan(context, incident, recommendation, mde=mde, days=days)
    except ToolFailure as refusal:
        raise CommandError(f"{choice.action.id}: {refusal}", ExitCode.UNUSABLE) from refusal
    except ValueError as error:
        raise CommandError(f"{choice.action.id}: {error}") from error


def _check_scope(dataset: Dataset, scope: Slice | None) -> None:
    known = dataset.dimensions
    strange = [] if scope is None else [name for name, _ in scope.values if name not in known]
    if strange:
        raise CommandError(f"--scope names {strange[0]!r}; these data have {', '.join(known)} and hour")
