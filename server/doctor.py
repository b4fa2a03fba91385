"""Examining an installation: what works, what is absent, what is broken."""

import platform
import socket
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from server.datasets import IN_ENGINE
from server.errors import ConfigurationError
from server.settings import Settings

PACKAGES = ("duckdb", "pandas", "langgraph", "chromadb", "fastapi", "sqlmodel")
CONNECT_TIMEOUT_S = 3.0


class Check(BaseModel):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "absent", "broken"]
    """`absent` is no fault: something optional is not set up."""
    detail: str


class Examination(BaseModel):
    """Everything that was looked at."""

    healthy: bool
    checks: tuple[Check, ...]


def examine(settings: Settings) -> Examination:
    """Look at everything that the product needs; changes nothing but the state folder, which it makes."""
    checks = tuple(_checks(settings))
    return Examination(healthy=all(check.state != "broken" for check in checks), checks=checks)


def _checks(settings: Settings) -> Iterator[Check]:
    yield Check(name="python", state=_python_state(), detail=platform.python_version())
    for name in PACKAGES:
        yield _package(name)
    probes: dict[str, Callable[[Settings], Check]] = {
        "state folder": _state_folder,
        "database": _database,
        "data": _data,
        "confidence model": _confidence,
        "model": _model,
    }
    for probe in probes.values():
        yield probe(settings)


def _python_state() -> Literal["ok", "broken"]:
    return "ok" if (3, 11) <= sys.version_info[:2] < (3, 14) else "broken"


def _package(name: str) -> Check:
    try:
        return Check(name=name, state="ok", detail=version(name))
    except PackageNotFoundError:
        return Check(name=name, state="broken", detail="not installed; run `make setup`")


def _state_folder(settings: Settings) -> Check:
    folder = settings.state_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Check(name="state folder", state="broken", detail=f"{folder}: {error.strerror or error}")
    return Check(name="state folder", state="ok", detail=str(folder))


def _database(settings: Settings) -> Check:
    from server.database import open_database

    try:
        engine = open_database(settings.database_url)
        detail = engine.url.render_as_string(hide_password=True)
        engine.dispose()
    except (SQLAlchemyError, OSError) as error:
        return Check(name="database", state="broken", detail=str(error).splitlines()[0])
    return Check(name="database", state="ok", detail=detail)


def _data(settings: Settings) -> Check:
    folder: Path = settings.dataset_dir
    if folder == IN_ENGINE or folder.exists():
        return Check(name="data", state="ok", detail=str(folder))
    if settings.data is None:
        return Check(
            name="data", state="absent", detail="none yet; `cx demo` makes a world, CX_DATA names yours"
        )
    return Check(name="data", state="broken", detail=f"CX_DATA={folder} is not there")


def _confidence(settings: Settings) -> Check:
    from server.confidence import confidence_model, describe

    try:
        detail = describe(confidence_model(settings), settings.confidence_model)
    except ConfigurationError as error:
        return Check(name="confidence model", state="broken", detail=str(error))
    return Check(name="confidence model", state="ok", detail=detail)


def _model(settings: Settings) -> Check:
    if settings.llm_model is None:
        return Check(name="model", state="absent", detail="none set: the offline reasoner does the whole job")
    if settings.llm_base_url is None:
        return Check(name="model", state="ok", detail=f"{settings.llm_model} at its provider's own address")
    parts = urlsplit(settings.llm_base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        return Check(name="model", state="broken", detail=f"{settings.llm_base_url}: {error}")
    return Check(name="model", state="ok", detail=f"{settings.llm_model} at {settings.llm_base_url}")
