"""A line of `marque doctor`, and a check that finds lines and can neither hang nor stop others."""

import logging
from collections.abc import Callable, Iterable
from concurrent import futures
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Literal, TypeVar

from core.errors import MarqueError
from flows.settings import Settings

CheckState = Literal["ok", "warning", "problem"]

INSTALL = (
    "install Marque again: `pip install --require-hashes -r requirements.lock -c requirements.lock`"
)

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check, and what to do about it; `facts` are for programs."""

    name: str
    state: CheckState
    found: str
    advice: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The input of checks. `home_given`: the command line named the home folder; `on_progress`
    gets (photos read, of how many) and is None where the photos are not to be read."""

    settings: Settings
    home_given: bool = False
    on_progress: Callable[[int, int], None] | None = None


@dataclass(frozen=True, slots=True)
class CheckFunction:
    """An entry of the table: a function, its time limit in seconds (None: no limit), and the state
    of the line that says that it was late.

    It runs in its turn, unless the last line named `needs` is a problem. With `beside` it starts
    before all others.
    """

    name: str
    find: Callable[[CheckContext], Iterable[Check]]
    seconds: float | None
    late: CheckState = "problem"
    needs: str = ""
    beside: bool = False

    def lines(self, wait: Callable[[float | None], list[Check]]) -> list[Check]:
        """The lines that the started function finds; or one line that says why it finds none."""
        try:
            return wait(self.seconds)
        except LateError as error:
            return [Check(self.name, self.late, str(error))]
        except MarqueError as error:
            return [Check(self.name, "problem", str(error))]
        # Unforeseen errors end here, and the other checks continue.
        except Exception as error:
            _logger.debug("check %r failed", self.name, exc_info=True)
            said = (str(error).strip().splitlines() or [""])[0][:300]
            found = f"the check itself failed: {type(error).__name__}: {said}".rstrip(": ")
            return [Check(self.name, "problem", found, "run `marque doctor --debug` to see where")]


class LateError(MarqueError):
    """A check did not end in its time."""


def begin(call: Callable[[], _T]) -> Callable[[float | None], _T]:
    """Start a call in a thread; the returned function waits for it, at most the given seconds, and
    raises `LateError` or what the call raised.

    A call that hangs is left behind and does not keep the process from ending, as it would in a
    pool of threads.
    """
    future: Future[_T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    # Prefect's settings are in the context.
    Thread(target=copy_context().run, args=(work,), daemon=True).start()

    def wait(seconds: float | None) -> _T:
        if not futures.wait([future], seconds).done:
            raise LateError(f"it did not answer within {seconds:.0f} s")
        return future.result()

    return wait
