"""Exit codes, and which error means which."""

import sys
import traceback
from collections.abc import Callable
from enum import IntEnum

from data.errors import DataError
from server.cli.console import stderr
from server.errors import ConfigurationError


class ExitCode(IntEnum):
    """What a command ends with."""

    OK = 0
    NEGATIVE = 1
    """It worked, and the answer is no: a gate failed, a rule is broken under `--strict`."""
    USAGE = 2
    """An argument is wrong: unknown option, incident, scenario."""
    INTERNAL = 3
    """A bug."""
    UNUSABLE = 4
    """The data or the settings cannot be used."""
    UNAVAILABLE = 5
    """Something that is needed is not there: a port, a network, a part that is not built yet."""
    INTERRUPTED = 130


class CommandError(Exception):
    """Ends a command with a message and a code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.code = code


def guarded(call: Callable[[], int]) -> int:
    """Run a command; a user's mistake becomes one line on stderr and a code, a bug becomes a traceback."""
    try:
        return call()
    except CommandError as error:
        return _say(str(error), error.code)
    except (DataError, ConfigurationError) as error:
        return _say(str(error), ExitCode.UNUSABLE)
    except KeyboardInterrupt:
        return _say("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep the interpreter from flushing into the closed pipe.
        sys.stdout = None
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001  # the outermost edge
        traceback.print_exc(file=sys.stderr)
        return _say(f"internal error, please report it: {type(error).__name__}: {error}", ExitCode.INTERNAL)


def _say(message: str, code: ExitCode) -> int:
    stderr().print(f"error: {message}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    return int(code)
