"""The tool registry: one declaration per tool, from which every adapter is made.

A tool is a pure function `(context, arguments) -> result` over Pydantic models. `agents` makes LangChain
tools of the registered specs, `server` makes routes and commands; neither adds behaviour.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from data.dataset import Dataset
from tools.errors import ToolFailure
from tools.settings import AnalysisSettings


class Access(StrEnum):
    """Whether a tool only looks or changes the world."""

    READ = "read"
    WRITE = "write"


class Cost(StrEnum):
    """How long a call takes on a million orders: under 0.1 s, under 2 s, longer."""

    CHEAP = "cheap"
    MODERATE = "moderate"
    EXPENSIVE = "expensive"


class Arguments(BaseModel):
    """Base of every argument model: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Result(BaseModel):
    """Base of every result model.

    A number's name ends in its unit, so that code can render it: `_share` (0-1), `_pp` (percentage points),
    `_s` (seconds), `_orders`, `_score` (CX points), `_usd`, `_per_day` (also `_pp_per_day`, `_s_per_day`), `p_`
    (probability), `z` or `z_`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


@dataclass(frozen=True)
class ToolContext:
    """What a tool may use: the data as known at a time, settings, and ports injected by the caller."""

    dataset: Dataset
    """Already bound to an as-of time: it holds only rows known then."""
    settings: AnalysisSettings = field(default_factory=AnalysisSettings)
    ports: Mapping[str, object] = field(default_factory=dict)
    """Outside services by name (`knowledge`, `gateway`, ...); a tool that needs one names it in its spec."""

    def port(self, name: str) -> Any:  # noqa: ANN401  # each tool narrows its port to its own Protocol
        """The injected port; raises `ToolFailure` where the caller gave none."""
        if name not in self.ports:
            raise ToolFailure(f"no {name} is connected; this tool needs one")
        return self.ports[name]


AnyFunction = Callable[[ToolContext, Any], Result]
F = TypeVar("F", bound=AnyFunction)


@dataclass(frozen=True)
class ToolSpec:
    """A declared tool."""

    name: str
    description: str
    arguments: type[Arguments]
    result: type[Result]
    access: Access
    cost: Cost
    function: AnyFunction

    def call(self, context: ToolContext, arguments: Mapping[str, Any]) -> Result:
        """Validate the arguments and run the tool.

        Raises:
            ToolFailure: the arguments do not fit, or the tool cannot answer on this dataset.
        """
        try:
            parsed = self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            raise ToolFailure(_explain(self.name, error)) from error
        return self.function(context, parsed)


def _explain(tool: str, error: ValidationError) -> str:
    problems = "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'arguments'} = {e['input']!r}: {e['msg']}" for e in error.errors()
    )
    return f"{tool}: {problems}"


class Registry:
    """Tools by name."""

    def __init__(self) -> None:
        self._specs: dict[str, ToolSpec] = {}

    def tool(self, *, access: Access = Access.READ, cost: Cost = Cost.CHEAP) -> Callable[[F], F]:
        """Declare a function as a tool; its name, docstring and annotations are the declaration."""

        def declare(function: F) -> F:
            hints = _annotations(function)
            name = function.__name__
            if name in self._specs:
                raise ValueError(f"two tools are called {name!r}")
            description = (function.__doc__ or "").strip()
            self._specs[name] = ToolSpec(
                name, description, hints.arguments, hints.result, access, cost, function
            )
            return function

        return declare

    def __getitem__(self, name: str) -> ToolSpec:
        if name not in self._specs:
            raise ToolFailure(f"no tool is called {name!r}; known: {', '.join(self.names())}")
        return self._specs[name]

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._specs))

    @contextmanager
    def wrapped(self, wrap: Callable[[ToolSpec], ToolSpec]) -> Iterator[None]:
        """Every tool wrapped as long as the block runs, so that calls can be watched."""
        plain = self._specs
        self._specs = {name: wrap(spec) for name, spec in plain.items()}
        try:
            yield
        finally:
            self._specs = plain

    def select(self, names: Iterable[str]) -> tuple[ToolSpec, ...]:
        """The specs of these names, in this order; raises `ToolFailure` for an unknown one."""
        return tuple(self[name] for name in names)


@dataclass(frozen=True)
class _Hints:
    arguments: type[Arguments]
    result: type[Result]


def _annotations(function: AnyFunction) -> _Hints:
    from typing import get_type_hints

    hints = get_type_hints(function)
    result = hints.pop("return")
    hints.pop("context", None)
    if len(hints) != 1:
        raise ValueError(f"{function.__name__} must take (context, arguments), not {sorted(hints)}")
    return _Hints(arguments=next(iter(hints.values())), result=result)


REGISTRY = Registry()
tool = REGISTRY.tool
