import json

import httpx
import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import SecretStr

from agents.models import ModelSettings, get_model
from agents.reasoner import OfflineReasoner
from tests.agents import openai_wire as wire


@tool
def rate(region: str) -> float:
    """Share of orders on time."""
    return 0.9


def settings(**changes: object) -> ModelSettings:
    given = {"base_url": wire.BASE_URL, "model": "gpt-6-any", "api_key": SecretStr("k"), "max_retries": 1}
    return ModelSettings.model_validate(given | changes)


def test_get_model_without_a_name_is_the_offline_reasoner() -> None:
    assert isinstance(get_model(ModelSettings()), OfflineReasoner)


async def test_get_model_streams_tool_call_deltas_and_usage() -> None:
    with wire.endpoint(wire.scripted(wire.tool_call("rate", {"region": "north-west"}))) as served:
        chunks = [chunk async for chunk in get_model(settings()).bind_tools([rate]).astream("rate?")]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk  # type: ignore[assignment]  # chunks add up to a chunk
    assert isinstance(whole, AIMessage)
    assert [(c["name"], c["args"]) for c in whole.tool_calls] == [("rate", {"region": "north-west"})]
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["total_tokens"] == 17
    body = served.bodies[0]
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["temperature"] == 0.0
    assert body["seed"] == 7
    assert [t["function"]["name"] for t in body["tools"]] == ["rate"]


async def test_get_model_tries_again_after_a_rate_limit() -> None:
    with wire.endpoint(wire.scripted(wire.too_many_requests(), wire.text("fine now"))) as served:
        texts = [chunk.text async for chunk in get_model(settings()).astream([HumanMessage("hello")])]
    assert "".join(texts) == "fine now"
    assert len(served.bodies) == 2


async def test_get_model_gives_up_after_its_retries() -> None:
    with (
        wire.endpoint(wire.scripted(wire.too_many_requests())) as served,
        pytest.raises(openai.RateLimitError),
    ):
        await get_model(settings()).ainvoke("hello")
    assert len(served.bodies) == 2


async def test_get_model_reports_a_timeout() -> None:
    with (
        wire.endpoint(wire.scripted(httpx.ReadTimeout("slow"))),
        pytest.raises(openai.APITimeoutError),
    ):
        await get_model(settings(max_retries=0)).ainvoke("hello")


def test_settings_keep_the_key_secret() -> None:
    assert "k" not in json.loads(settings().model_dump_json())["api_key"]
