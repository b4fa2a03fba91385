"""Settings of the service and the command line: the only place that reads the environment."""

import ipaddress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from data.engine import EngineChoice, EngineName
from server.errors import ConfigurationError

REPOSITORY = Path(__file__).resolve().parents[1]


class AuthMode(StrEnum):
    """Who may call the API."""

    NONE = "none"
    API_KEY = "api_key"


class ApiKey(BaseModel):
    """A key and what it may do."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: Annotated[str, Field(min_length=1)]
    """Who uses it; written to the audit log."""
    key: Annotated[SecretStr, Field(min_length=16)]
    """Sent as `Authorization: Bearer ...`."""
    scopes: tuple[str, ...]
    """Such as `incidents:read`, or `*` for everything."""


class Settings(BaseSettings):
    """Everything that is configured; each setting is an environment variable with the prefix `CX_`.

    Example:
        >>> Settings(_env_file=None, state_dir=Path("/tmp/state")).database_url
        'sqlite:////tmp/state/cx.sqlite'
    """

    model_config = SettingsConfigDict(
        env_prefix="CX_",
        env_file=".env",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )

    state_dir: Path = REPOSITORY / "var"
    """Where generated data, the database and the knowledge store live."""
    database_url: str = ""
    """Where the service keeps its records; by default SQLite in the state directory."""
    data: Path | None = None
    """The folder of tables that `cx serve` watches; by default the demo world, if it was generated."""
    mapping: Path | None = None
    """Mapping file of that folder; none for tables in the product's own shape."""
    engine: EngineName = "duckdb"
    """What holds the tables and answers: `duckdb`, `postgres` or `spark`; the results are the same."""
    engine_url: SecretStr | None = None
    """Where the engine is: `postgresql://...` or a Spark master; DuckDB needs none."""
    cell_store: Path | None = None
    """Where summed days are kept, so that a new day reads a new day; none: every start sums all days."""
    calendar: Path | None = None
    """File of planned events (docs/calendar.md); none for no events."""
    confidence_model: Path | None = None
    """The model that turns evidence into probabilities (`cx calibrate --out`); none for the committed one."""
    llm_base_url: str | None = None
    """Any OpenAI-compatible endpoint; without a model, the offline reasoner does the whole job."""
    llm_model: str | None = None
    """Name of the model; without a base URL, at its provider's own address."""
    llm_api_key: SecretStr | None = None
    """Key of that endpoint."""
    host: str = "127.0.0.1"
    """Address that `cx serve` binds to."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port that `cx serve` binds to; 0 takes a free one."""
    auth_mode: AuthMode = AuthMode.NONE
    """`none` (refused unless the address is loopback) or `api_key`."""
    api_keys: tuple[ApiKey, ...] = ()
    """JSON list of keys: `[{"name": ..., "key": ..., "scopes": [...]}]`."""
    sse_ping_s: Annotated[int, Field(ge=1, le=60)] = 15
    """Seconds between keep-alive comments on an event stream."""
    sse_max_s: Annotated[float, Field(gt=0, le=3600)] = 300.0
    """An event stream is closed after so many seconds; clients reconnect where they were."""
    max_streams: Annotated[int, Field(ge=1)] = 64
    """Event streams open at the same time."""
    max_runs: Annotated[int, Field(ge=1)] = 2
    """Investigations running at the same time; further ones wait."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.database_url:
            database = self.state_dir.absolute() / "cx.sqlite"
            object.__setattr__(self, "database_url", f"sqlite:///{database}")
        if self.auth_mode is AuthMode.NONE and not _is_loopback(self.host):
            raise ValueError(
                f"CX_AUTH_MODE=none is refused on {self.host}, which other machines can reach; "
                "bind to 127.0.0.1, or set CX_AUTH_MODE=api_key and CX_API_KEYS"
            )
        if self.auth_mode is AuthMode.API_KEY and not self.api_keys:
            raise ValueError("CX_AUTH_MODE=api_key needs at least one key in CX_API_KEYS")
        if self.engine == "postgres" and self.engine_url is None:
            raise ValueError(
                "CX_ENGINE=postgres needs CX_ENGINE_URL, such as postgresql://user@host/database"
            )
        if self.llm_base_url is not None and self.llm_model is None:
            raise ValueError("CX_LLM_BASE_URL needs CX_LLM_MODEL, the model's name there")
        return self

    @property
    def engine_choice(self) -> EngineChoice:
        """The engine and its address."""
        url = "" if self.engine_url is None else self.engine_url.get_secret_value()
        return EngineChoice(self.engine, url)

    @property
    def demo_dir(self) -> Path:
        """Where `cx demo` puts its world."""
        return self.state_dir / "demo" / "data"

    @property
    def knowledge_dir(self) -> Path:
        """Where the knowledge store lives."""
        return self.state_dir / "knowledge"

    @property
    def dataset_dir(self) -> Path:
        """The folder that the service watches."""
        return self.data or self.demo_dir


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load(**overrides: object) -> Settings:
    """Read the environment and `.env`; keyword arguments win over both.

    Raises:
        ConfigurationError: a variable is malformed or contradicts another one.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # validated by pydantic
    except SettingsError as error:
        raise ConfigurationError(f"{error}: it must be JSON, as `.env.example` shows") from error
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from error


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_input=False):
        name = "_".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        lines.append(f"CX_{name.upper()}: {message}" if name else message)
    return "; ".join(lines)
