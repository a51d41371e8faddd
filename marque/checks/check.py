"""One line of `marque doctor`, and running what finds it so that it can neither hang nor break."""

import logging
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import asdict, dataclass, field
from queue import Empty, Queue
from threading import Thread
from typing import Any, Literal, TypeVar

from core.errors import MarqueError

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


class LateError(MarqueError):
    """A check did not end in its time."""


def begin(call: Callable[[], T]) -> Callable[[float], T]:
    """Start a call beside this one; the function returned waits for it, at most so many seconds.

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

    def wait(seconds: float) -> T:
        try:
            answer, error = answers.get(timeout=seconds)
        except Empty:
            raise LateError(f"it did not answer within {seconds:.0f} s") from None
        if error is not None:
            raise error
        return answer  # type: ignore[return-value]  # there is an answer where no error is

    return wait


def checked(name: str, call: Callable[[], list[Check]], *, late: State = "problem") -> list[Check]:
    """The checks of a call, or one that says why there are none; `late` is what being late is."""
    try:
        return call()
    except LateError as error:
        return [Check(name, late, str(error))]
    except MarqueError as error:
        return [Check(name, "problem", str(error))]
    # Here every fault ends up that nobody thought of: the other checks go on.
    except Exception as error:
        logger.debug("check %r failed", name, exc_info=True)
        said = (str(error).strip().splitlines() or [""])[0][:300]
        found = f"the check itself failed: {type(error).__name__}: {said}".rstrip(": ")
        return [Check(name, "problem", found, "run `marque doctor --debug` to see where")]
