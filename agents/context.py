"""What one investigation may use; nodes read it through `Runtime[Context]` and keep nothing of it in the state."""

import threading
from dataclasses import dataclass, field

from langchain_core.language_models import BaseChatModel

from agents.events import Clock, Emitter, EventSink, NullSink
from data.dataset import Dataset
from tools.confidence import ConfidenceModel, load_model
from tools.ports import Knowledge
from tools.registry import ToolContext
from tools.settings import AnalysisSettings


@dataclass(frozen=True)
class Budget:
    """How much one specialist may spend beyond the fixed battery."""

    turns: int = 8
    """Answers of the model."""
    tool_calls: int = 12
    seconds: float = 120.0
    """Of waiting for the model; the tools' own time is not counted, so that a slow machine changes no result."""


@dataclass(frozen=True)
class Context:
    """The data, the model and the ports of one investigation."""

    dataset: Dataset
    model: BaseChatModel
    clock: Clock
    """Stamps events; never part of the report."""
    settings: AnalysisSettings = field(default_factory=AnalysisSettings)
    confidence: ConfidenceModel = field(default_factory=load_model)
    """Turns evidence into probabilities; by default the committed one."""
    knowledge: Knowledge | None = None
    sink: EventSink = field(default_factory=NullSink)
    budget: Budget = Budget()
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while tools compute: one at a time, so that BLAS limits and caches are never shared in a race."""

    @property
    def tools(self) -> ToolContext:
        """What tools may use."""
        ports = {} if self.knowledge is None else {"knowledge": self.knowledge}
        return ToolContext(self.dataset, self.settings, ports)

    def emitter(self, run: str, node: str, branch: str = "", siblings: tuple[str, ...] = ()) -> Emitter:
        """Tells what a node does, from its first event on."""
        return Emitter(self.sink, self.clock, run=run, node=node, branch=branch, siblings=siblings)
