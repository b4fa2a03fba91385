"""Where a chat model comes from: any OpenAI-compatible endpoint, or the offline reasoner.

The graph takes what `get_model` gives and does not know which it is.
"""

from typing import Annotated

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from agents.reasoner import OfflineReasoner

NO_KEY = SecretStr("not-needed")
"""Local servers take any key, but the client refuses an empty one."""


class ModelSettings(BaseModel):
    """Which model reasons; with none named, the offline reasoner does.

    Example:
        >>> ModelSettings().is_offline
        True
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    base_url: str | None = None
    """Of an OpenAI-compatible server; None for the client's own default."""
    model: str | None = None
    """The model's name there; None for the offline reasoner."""
    api_key: SecretStr | None = None
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    """For one request."""
    max_retries: Annotated[int, Field(ge=0, le=10)] = 2
    """Of one request, after rate limits, timeouts and server errors."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    seed: int | None = 7
    """Sent along; servers that do not know it ignore it."""

    @property
    def is_offline(self) -> bool:
        """Whether no model was named."""
        return self.model is None


def get_model(settings: ModelSettings) -> BaseChatModel:
    """The chat model of these settings.

    Example:
        >>> type(get_model(ModelSettings())).__name__
        'OfflineReasoner'
    """
    if settings.model is None:
        return OfflineReasoner()
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(
        model=settings.model,
        base_url=settings.base_url,
        api_key=settings.api_key or NO_KEY,
        timeout=settings.timeout_s,
        max_retries=settings.max_retries,
        temperature=settings.temperature,
        seed=settings.seed,
        stream_usage=True,
        use_responses_api=False,  # compatible servers speak chat completions only
    )
