"""A headless Chromium, driven over its own protocol, and the service on a free port of the loopback address."""

import base64
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_socket

PROGRAM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--window-size=1280,1400",
)
PATIENCE_S = 60.0


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The app on a port of its own; gives its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=PATIENCE_S)
        listening.close()


class Page:
    """A page in the browser."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._count = 0
        self.errors: list[str] = []
        """What the page wrote to its console as an error, or threw."""
        for domain in ("Page", "Runtime", "Log"):
            self._ask(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Go there."""
        self._ask("Page.navigate", url=url)

    def value(self, script: str) -> Any:  # noqa: ANN401  # whatever the script comes to
        """What a script comes to."""
        found = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def text(self) -> str:
        """What a reader sees."""
        return str(self.value("document.body?.innerText ?? ''"))

    def wait_for(self, words: str) -> str:
        """Wait until the page says so; gives all that it says."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            text = self.text()
            if words in text:
                return text
            time.sleep(0.05)
        raise AssertionError(f"never said {words!r}: {self.text()}")

    def click(self, name: str) -> None:
        """Press the button of this name, once it can be pressed."""
        script = (
            "(() => { const node = [...document.querySelectorAll('button')].find((one) => !one.disabled && "
            f"one.textContent === {json.dumps(name)}); node?.click(); return Boolean(node); }})()"
        )
        deadline = time.monotonic() + PATIENCE_S
        while not self.value(script):
            assert time.monotonic() < deadline, f"no button {name!r} can be pressed: {self.text()}"
            time.sleep(0.05)

    def buttons(self) -> list[str]:
        """Names of the buttons that can be pressed."""
        script = "[...document.querySelectorAll('main button:not([disabled])')].map((one) => one.textContent)"
        return list(self.value(script))

    def picture(self, path: Path) -> None:
        """Keep how the whole page looks."""
        shot = self._ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _ask(self, method: str, **parameters: object) -> dict[str, Any]:
        self._count += 1
        self._wire.send(json.dumps({"id": self._count, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._wire.recv(timeout=PATIENCE_S))
            if answer.get("id") == self._count:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        kind, told = event.get("method"), event.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.errors.append(str(told["exceptionDetails"]))
        if kind == "Runtime.consoleAPICalled" and told["type"] == "error":
            self.errors.append(str(told["args"]))


@contextmanager
def browser() -> Iterator[Page]:
    """A browser with one empty page."""
    assert PROGRAM is not None
    with TemporaryDirectory(prefix="cx-browser-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [PROGRAM, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with open_socket(_address(Path(folder)), max_size=None) as wire:
                yield Page(wire)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)


def _address(folder: Path) -> str:
    """Where the page listens: the browser writes its port to its folder."""
    import httpx

    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            port = (folder / "DevToolsActivePort").read_text().split("\n")[0]
            targets = httpx.get(f"http://127.0.0.1:{port}/json").json()
            return next(str(one["webSocketDebuggerUrl"]) for one in targets if one["type"] == "page")
        except (OSError, StopIteration, httpx.HTTPError, IndexError):
            time.sleep(0.05)
    raise AssertionError("the browser did not start")
