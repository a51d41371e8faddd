"""A line of `marque doctor`, and a check that finds lines and can neither hang nor stop others."""

import logging
from collections.abc import Callable, Iterable
from contextvars import copy_context
from dataclasses import asdict, dataclass, field
from queue import Empty, Queue
from threading import Thread
from typing import Any, Literal, TypeVar

from core.errors import MarqueError
from flows.settings import Settings

State = Literal["ok", "warning", "problem"]
STATES: tuple[State, ...] = ("ok", "warning", "problem")

INSTALL = (
    "install Marque again: `pip install --require-hashes -r requirements.lock -c requirements.lock`"
)

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one thing, and what to do about it; `facts` are for programs."""

    name: str
    state: State
    found: str
    advice: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The check as JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What checks work with. `home_given`: the command line named the home folder; `on_progress`
    gets (photos read, of how many) and is None where the photos are not to be read."""

    settings: Settings
    home_given: bool = False
    on_progress: Callable[[int, int], None] | None = None


@dataclass(frozen=True, slots=True)
class CheckFunction:
    """An entry of the table: a function, its time limit in seconds (None: as long as it takes), and
    the state of a line that says that it was late. It runs in its turn unless the last line named
    `needs` is a problem; or, with `beside`, it starts before all others."""

    name: str
    find: Callable[[CheckContext], Iterable[Check]]
    seconds: float | None
    late: State = "problem"
    needs: str = ""
    beside: bool = False

    def begin(self, context: CheckContext) -> Callable[[], list[Check]]:
        """Start it; the function returned waits for its lines, or gives one that says why there are
        none."""
        wait = begin(lambda: list(self.find(context)))
        return lambda: self._lines(wait)

    def _lines(self, wait: Callable[[float | None], list[Check]]) -> list[Check]:
        try:
            return wait(self.seconds)
        except LateError as error:
            return [Check(self.name, self.late, str(error))]
        except MarqueError as error:
            return [Check(self.name, "problem", str(error))]
        # Unforeseen errors end here, and the other checks go on.
        except Exception as error:
            logger.debug("check %r failed", self.name, exc_info=True)
            said = (str(error).strip().splitlines() or [""])[0][:300]
            found = f"the check itself failed: {type(error).__name__}: {said}".rstrip(": ")
            return [Check(self.name, "problem", found, "run `marque doctor --debug` to see where")]


class LateError(MarqueError):
    """A check did not end in its time."""


def begin(call: Callable[[], T]) -> Callable[[float | None], T]:
    """Start a call in a thread; the function returned waits for it, at most so many seconds.

    What the call raises is raised there; `LateError` when it is late. A call that hangs is left
    behind and does not keep the process from ending.
    """
    answers: Queue[tuple[T | None, BaseException | None]] = Queue()

    def work() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:
            answers.put((None, error))

    # Prefect's settings are in the context.
    Thread(target=copy_context().run, args=(work,), daemon=True).start()

    def wait(seconds: float | None) -> T:
        try:
            answer, error = answers.get(timeout=seconds)
        except Empty:
            raise LateError(f"it did not answer within {seconds:.0f} s") from None
        if error is not None:
            raise error
        return answer  # type: ignore[return-value]  # there is an answer where no error is

    return wait
