"""Evidence: one tool result with an id, the only source of numbers in any text."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from tools.registry import Result, ToolContext, ToolSpec


class Evidence(BaseModel):
    """A tool's result, with what is needed to compute it again."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    id: str
    """`specialist:n` while specialists work side by side, `E1...` after the join."""
    tool: str
    arguments: dict[str, Any]
    result: dict[str, Any]
    fingerprint: str
    """Of the dataset it was computed from."""


def observe(spec: ToolSpec, context: ToolContext, arguments: Mapping[str, Any], *, id: str) -> Evidence:
    """Run a tool and keep its result as evidence.

    Raises:
        ToolFailure: as `ToolSpec.call`.
    """
    result: Result = spec.call(context, arguments)
    return Evidence(
        id=id,
        tool=spec.name,
        arguments=spec.arguments.model_validate(dict(arguments)).model_dump(mode="json"),
        result=result.model_dump(mode="json"),
        fingerprint=context.dataset.fingerprint,
    )


def renumber(evidence: Iterable[Evidence]) -> dict[str, Evidence]:
    """Final ids `E1...` by (specialist, call order), keyed by the provisional id.

    Example:
        >>> a = Evidence(id="supply:2", tool="t", arguments={}, result={}, fingerprint="f")
        >>> b = Evidence(id="merchant:1", tool="t", arguments={}, result={}, fingerprint="f")
        >>> {old: new.id for old, new in renumber([a, b]).items()}
        {'merchant:1': 'E1', 'supply:2': 'E2'}
    """

    def order(item: Evidence) -> tuple[str, int]:
        specialist, number = item.id.rsplit(":", 1)
        return specialist, int(number)

    ordered = sorted(evidence, key=order)
    return {item.id: item.model_copy(update={"id": f"E{n}"}) for n, item in enumerate(ordered, start=1)}
