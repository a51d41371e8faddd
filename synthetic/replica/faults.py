"""Switches for faults of the replica, like those of the sites; they can be set while it runs.

A fault strikes wherever it applies, or only some things or some requests. Each thing has keys, such
as the guid of an offer and the word `offer`.
"""

import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.errors import UsageMistakeError

_KNOWN: dict[str, str] = {}


def declare_faults(names: Mapping[str, str]) -> Mapping[str, str]:
    """Register switches, each with a description; returns them."""
    _KNOWN.update(names)
    return MappingProxyType(dict(names))


def known_faults() -> dict[str, str]:
    """All registered switches by name, with their descriptions."""
    return dict(sorted(_KNOWN.items()))


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A switch that is on.

    `value` is explained by each switch. The fault concerns things with one of the keys `only` (all
    things if empty), and of these one in `every`, chosen by their first key: always the same ones.
    Of the requests for these, the first `after` are answered normally and the next `first` ones
    are struck (None: all). With `once` each thing is struck once.
    """

    value: str = ""
    every: int = 1
    only: frozenset[str] = frozenset()
    after: int = 0
    first: int | None = None
    once: bool = False

    def concerns(self, keys: tuple[str, ...]) -> bool:
        """Whether it concerns the thing with these keys."""
        if self.only and self.only.isdisjoint(keys):
            return False
        return self.every == 1 or zlib.crc32(keys[0].encode()) % self.every == 0


class Faults:
    """The switches of one replica. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._on: dict[str, ActiveFault] = {}
        self._strikes: Counter[tuple[str, ...]] = Counter()
        self._lock = threading.Lock()

    def set(
        self,
        name: str,
        value: str = "",
        *,
        every: int = 1,
        only: Iterable[str] = (),
        after: int = 0,
        first: int | None = None,
    ) -> None:
        """Switch a fault on, replacing its earlier setting; `ActiveFault` says what narrows it.

        One whose name begins with `transient-` strikes each thing once. Raises
        `UsageMistakeError` for a name that nothing declared.
        """
        self._check(name)
        keys = frozenset([only] if isinstance(only, str) else only)
        fault = ActiveFault(value, every, keys, after, first, once=name.startswith("transient-"))
        with self._lock:
            self._forget(name)
            self._on[name] = fault

    def set_text(self, text: str) -> None:
        """Switch a fault on, given as `NAME[=VALUE][,every=N][,first=N][,after=N]`.

        Raises `UsageMistakeError`.
        """
        head, *limits = text.split(",")
        name, _, value = head.partition("=")
        numbers: dict[str, int] = {}
        for limit in limits:
            word, _, number = limit.partition("=")
            if word not in {"every", "first", "after"} or not number.isdecimal():
                raise UsageMistakeError(
                    f"{limit!r} does not narrow a fault; write every=N, first=N or after=N"
                )
            numbers[word] = int(number)
        self.set(
            name, value, every=max(1, numbers.get("every", 1)), after=numbers.get("after", 0),
            first=numbers.get("first"),
        )  # fmt: skip

    def clear(self, name: str | None = None) -> None:
        """Switch one fault off, or all faults."""
        if name is not None:
            self._check(name)
        with self._lock:
            for each in [name] if name else list(self._on):
                self._on.pop(each, None)
                self._forget(each)

    def strikes(self, name: str, *keys: str) -> bool:
        """Whether the thing with these keys (its own first) is struck now; counts the request."""
        self._check(name)
        if name not in self._on:
            return False
        with self._lock:
            fault = self._on.get(name)
            if fault is None or not fault.concerns(keys):
                return False
            place = (name, keys[0]) if fault.once else (name,)
            self._strikes[place] += 1
            seen = self._strikes[place] - fault.after
            limit = 1 if fault.once else fault.first
            return seen > 0 and (limit is None or seen <= limit)

    def value(self, name: str) -> str:
        """The value of a switch; "" if it is off or has none."""
        self._check(name)
        fault = self._on.get(name)
        return fault.value if fault else ""

    def _forget(self, name: str) -> None:
        for place in [place for place in self._strikes if place[0] == name]:
            del self._strikes[place]

    def _check(self, name: str) -> None:
        if name not in _KNOWN:
            raise UsageMistakeError(
                f"no fault is called {name!r}; there are {', '.join(sorted(_KNOWN))}"
            )


def drop_path(place: Any, names: Sequence[str]) -> None:
    """Remove from JSON the value at a path of names, in every item of lists on the path."""
    if isinstance(place, list):
        for item in place:
            drop_path(item, names)
    elif isinstance(place, dict) and len(names) == 1:
        place.pop(names[0], None)
    elif isinstance(place, dict):
        drop_path(place.get(names[0]), names[1:])
