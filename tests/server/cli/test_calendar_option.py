from pathlib import Path

import pytest

from data.world.config import WorldConfig
from data.world.export import write
from data.world.world import World
from server.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = WorldConfig(days=18, orders_per_day=300)
    return write(World(config).run(), tmp_path_factory.mktemp("calendar") / "world").folder


@pytest.mark.parametrize("command", ["detect", "investigate"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such calendar file"),
        ("events: 3", "events: Input should be a valid tuple"),
        (
            "events: [{kind: sale, name: S, scope: {city: SF}, start: 2026-01-20, end: 2026-01-20}]",
            "names 'city'; the data have: category, region",
        ),
    ],
)
def test_a_bad_calendar_ends_with_exit_code_4(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    text: str | None,
    message: str,
) -> None:
    monkeypatch.setenv("CX_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "calendar.yaml"
    if text is not None:
        file.write_text(text)
    assert main([command, "--data", str(folder), "--calendar", str(file)]) == 4
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_calendar_of_the_settings_is_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CX_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CX_CALENDAR", str(tmp_path / "absent.yaml"))
    assert main(["detect", "--data", str(folder)]) == 4
    (tmp_path / "absent.yaml").write_text("events: []")
    assert main(["detect", "--data", str(folder), "--json"]) == 0
    assert '"incidents"' in capsys.readouterr().out
