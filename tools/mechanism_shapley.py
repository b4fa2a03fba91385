"""Door: Shapley values over the mechanisms of the causal graph."""

from tools.errors import NotBuiltError
from tools.incident_frame import IncidentArguments
from tools.registry import Result, ToolContext, tool


class MechanismShapleyResult(Result):
    """Never returned yet."""

    residual_share: float


@tool()
def mechanism_shapley(context: ToolContext, arguments: IncidentArguments) -> MechanismShapleyResult:
    """Not built yet: answers so. Use mechanism_shift for one driver at a time."""
    raise NotBuiltError("Shapley over mechanisms")
