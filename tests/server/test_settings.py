import re
from pathlib import Path

import pytest

from server.errors import ConfigurationError
from server.settings import REPOSITORY, AuthMode, Settings, load


@pytest.fixture(autouse=True)
def _no_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_live_under_var() -> None:
    chosen = load()
    assert chosen.state_dir == REPOSITORY / "var"
    assert chosen.database_url == f"sqlite:///{REPOSITORY}/var/cx.sqlite"
    assert chosen.auth_mode is AuthMode.NONE
    assert chosen.dataset_dir == REPOSITORY / "var" / "demo" / "data"


def test_environment_sets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CX_PORT", "9999")
    monkeypatch.setenv("CX_API_KEYS", '[{"name": "ci", "key": "0123456789abcdef", "scopes": ["*"]}]')
    chosen = load()
    assert chosen.port == 9999
    assert chosen.api_keys[0].scopes == ("*",)


def test_secrets_are_not_shown() -> None:
    chosen = load(llm_base_url="http://127.0.0.1:1", llm_model="m", llm_api_key="very-secret")
    assert "very-secret" not in repr(chosen)


def test_no_auth_is_refused_where_others_can_reach_it() -> None:
    with pytest.raises(ConfigurationError, match=r"CX_AUTH_MODE=none is refused on 0\.0\.0\.0"):
        load(host="0.0.0.0")  # noqa: S104
    for host in ("127.0.0.1", "::1", "localhost"):
        assert load(host=host).host == host


def test_host_name_counts_as_reachable() -> None:
    with pytest.raises(ConfigurationError, match="refused on example"):
        load(host="example")


def test_api_key_mode_needs_keys() -> None:
    with pytest.raises(ConfigurationError, match="CX_API_KEYS"):
        load(auth_mode="api_key")


def test_an_endpoint_needs_a_model() -> None:
    with pytest.raises(ConfigurationError, match="needs CX_LLM_MODEL"):
        load(llm_base_url="http://127.0.0.1:1")


def test_error_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CX_PORT", "99999")
    with pytest.raises(ConfigurationError, match="CX_PORT: Input should be less than or equal to 65535"):
        load()


def test_malformed_json_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CX_API_KEYS", "[{")
    with pytest.raises(ConfigurationError, match="api_keys"):
        load()


def test_env_example_is_complete() -> None:
    text = (REPOSITORY / ".env.example").read_text()
    named = set(re.findall(r"^#?\s*(CX_[A-Z_]+)=", text, flags=re.MULTILINE))
    assert named == {f"CX_{name.upper()}" for name in Settings.model_fields}


def test_env_example_is_valid(tmp_path: Path) -> None:
    text = (REPOSITORY / ".env.example").read_text()
    file = tmp_path / "example.env"
    file.write_text(re.sub(r"^# (?=CX_(?:PORT|HOST|SSE_MAX_S)=)", "", text, flags=re.MULTILINE))
    assert Settings(_env_file=file).port == 8000


def test_environment_is_read_nowhere_else() -> None:
    rooms = ("agents", "data", "evals", "knowledge", "server", "tools")
    found = [
        str(path.relative_to(REPOSITORY))
        for room in rooms
        for path in (REPOSITORY / room).rglob("*.py")
        if re.search(r"os\.environ|os\.getenv|\bgetenv\(", path.read_text())
    ]
    assert found == []
