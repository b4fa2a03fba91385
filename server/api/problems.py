"""Errors as RFC 9457 problem documents: one shape for every error of the API."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from server.errors import ServiceError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5


class ProblemField(BaseModel):
    """One thing that is wrong with a request."""

    where: str
    message: str


class Problem(BaseModel):
    """A problem document."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: tuple[ProblemField, ...] = ()


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Errors of these kinds, for the API's description."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


RESPONSES: dict[int | str, dict[str, Any]] = documented(401, 403, 404, 422)
"""What the API's documents say of errors."""


def with_media_type(openapi: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with problem documents under their own media type; changes it in place."""
    for methods in openapi["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                content = response.get("content", {})
                schema = content.get("application/json", {}).get("schema", {})
                if schema.get("$ref", "").endswith("/Problem"):
                    content[MEDIA_TYPE] = content.pop("application/json")
    return openapi


def _answer(
    request: Request,
    *,
    status: int,
    title: str,
    detail: str,
    code: str,
    errors: tuple[ProblemField, ...] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    problem = Problem(
        title=title, status=status, detail=detail, instance=request.url.path, code=code, errors=errors
    )
    return JSONResponse(
        problem.model_dump(mode="json"), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )


def _service_error(request: Request, error: ServiceError) -> JSONResponse:
    headers = {}
    if error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(
        request,
        status=error.status,
        title=error.title,
        detail=str(error),
        code=error.code,
        errors=tuple(ProblemField(where=where, message=message) for where, message in error.fields),
        headers=headers,
    )


def _http_error(request: Request, error: HTTPException) -> JSONResponse:
    title = HTTPStatus(error.status_code).phrase
    return _answer(
        request,
        status=error.status_code,
        title=title,
        detail=str(error.detail),
        code=title.lower().replace(" ", "_"),
        headers=dict(error.headers) if error.headers else None,
    )


def _invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    errors = tuple(
        ProblemField(where=".".join(str(part) for part in problem["loc"]), message=str(problem["msg"]))
        for problem in error.errors()
    )
    detail = "; ".join(f"{problem.where}: {problem.message}" for problem in errors)
    return _answer(
        request,
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        title="Invalid request",
        detail=detail,
        code="invalid_request",
        errors=errors,
    )


def _internal_error(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(
        request,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        title="Internal error",
        detail="the service failed on this request; its log says why",
        code="internal",
    )


def install(app: FastAPI) -> None:
    """Make every error of this app a problem document."""
    handlers: dict[type[Exception], Any] = {
        ServiceError: _service_error,
        HTTPException: _http_error,
        RequestValidationError: _invalid_request,
        Exception: _internal_error,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    describe = app.openapi
    app.openapi = lambda: with_media_type(describe())  # type: ignore[method-assign]  # FastAPI's own way
