"""Which model reasons, as the settings say."""

from agents.models import ModelSettings
from server.settings import Settings


def model_settings(settings: Settings) -> ModelSettings:
    """Which model reasons."""
    return ModelSettings(
        base_url=settings.llm_base_url, model=settings.llm_model, api_key=settings.llm_api_key
    )
