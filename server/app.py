"""The service, put together: settings in, ASGI application out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version as installed
from importlib.resources import files
from typing import Protocol

import anyio
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from sqlalchemy import Engine
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.errors import DataError
from server.api import experiments, health, incidents, problems, runs
from server.clock import Clock, system_clock
from server.database import open_database
from server.event_log import EventLog
from server.experiment_store import ExperimentStore
from server.experiments import Analyst, Experiments
from server.investigations import Investigations, Investigator
from server.repository import Repository, Served
from server.services import Services
from server.settings import AuthMode, Settings, load
from server.sse import StreamCap
from tools.incidents import DetectionReport, Incident

logger = logging.getLogger(__name__)

LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
HEADERS = (
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Workbench(Investigator, Analyst, Protocol):
    """Everything that the service needs from the rooms beneath it."""

    def identify(self) -> Served:
        """Which data are served; may have to read them, and runs in a thread.

        Raises:
            DataError: the data are missing or unusable.
        """

    def detect(self, history: Sequence[Incident]) -> DetectionReport:
        """Look for incidents in the data that are served; takes seconds, and runs in a thread.

        Args:
            history: incidents found before; those that go on keep their ids.

        Raises:
            DataError: the data are missing or unusable.
        """


def create_app(
    settings: Settings | None = None, *, workbench: Workbench | None = None, clock: Clock = system_clock
) -> FastAPI:
    """The service.

    Args:
        settings: by default from the environment.
        workbench: the rooms beneath; by default bound to the data folder of the settings.
        clock: the time that records and events carry.
    """
    chosen = settings or load()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            engine = await asyncio.to_thread(open_database, chosen.database_url)
            stack.callback(engine.dispose)
            app.state.engine = engine
            bench = workbench or await _own_workbench(chosen, clock, stack)
            app.state.services = services = _services(chosen, engine, bench, clock)
            detection = asyncio.create_task(_detect(services, bench), name="detection")
            services.investigations.resume()
            remembering = asyncio.create_task(_remember(services), name="remembering")
            try:
                yield
            finally:
                services.stop.set()
                detection.cancel()
                remembering.cancel()
                await services.investigations.close()

    app = FastAPI(
        title="CX-Fulfillment Agent",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        generate_unique_id_function=_operation_id,
    )
    app.state.settings = chosen
    problems.install(app)
    app.include_router(health.router)
    api = APIRouter(prefix="/api/v1", responses=problems.RESPONSES)
    api.include_router(incidents.router)
    api.include_router(experiments.router)
    api.include_router(runs.router)
    app.include_router(api)
    app.mount("/", StaticFiles(directory=str(files("server") / "static"), html=True), name="page")
    app.add_middleware(SecurityHeaders)
    if chosen.auth_mode is AuthMode.NONE:
        # Without keys the address is the only guard: a foreign name that resolves to it is refused.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK_HOSTS)
    return app


class SecurityHeaders:
    """Adds headers that keep browsers from loading, framing or guessing anything that is not ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers added to the answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _operation_id(route: APIRoute) -> str:
    return route.name


def _services(settings: Settings, engine: Engine, bench: Workbench, clock: Clock) -> Services:
    repository = Repository(engine, clock=clock)
    log = EventLog(repository, clock=clock)
    return Services(
        settings=settings,
        clock=clock,
        repository=repository,
        log=log,
        investigations=Investigations(
            repository=repository, log=log, investigator=bench, max_runs=settings.max_runs
        ),
        experiments=Experiments(ExperimentStore(engine, clock=clock), repository, bench, clock=clock),
        streams=StreamCap(settings.max_streams),
        stop=anyio.Event(),
    )


async def _own_workbench(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Workbench:
    from server.workbench import OwnWorkbench

    return await stack.enter_async_context(OwnWorkbench.open(settings, clock=clock))


async def _remember(services: Services) -> None:
    """What an earlier process closed as fixed and had no time to remember."""
    try:
        await asyncio.to_thread(services.experiments.resume)
    except Exception:  # the outermost edge of a background task
        # A memory that cannot be written must not keep the service from serving, and whatever it was is logged whole.
        logger.exception("remembering resolutions failed; the next start tries again")


async def _detect(services: Services, bench: Workbench) -> None:
    state = services.detection
    state.stage, state.detail = "running", "looking for incidents"
    try:
        report = await asyncio.to_thread(_search, services.repository, bench)
    except DataError as error:
        state.stage, state.detail = "failed", str(error)
    except Exception as error:  # the outermost edge of a background task
        logger.exception("detection failed")
        state.stage, state.detail = "failed", f"internal error: {type(error).__name__}"
    else:
        state.stage, state.detail = (
            "done",
            f"{len(report.incidents)} incidents as of {report.as_of:%Y-%m-%d %H:%M} UTC",
        )


def _search(repository: Repository, bench: Workbench) -> DetectionReport:
    """Look for incidents, unless this version of the product did so in the same data."""
    served = bench.identify()
    version = "+".join(filter(None, (installed("cx-fulfillment-agent"), served.rules)))
    known = repository.detection(served, version=version)
    if known is not None:
        return known
    report = bench.detect(repository.history())
    repository.store_detection(report, version=version)
    return report
