"""The parameters of a request to the replica's `api.php`, and the `continue` of its answer.

It follows MediaWiki's ApiContinuationManager: the generator's key is primary and does not advance
until all properties of its pages were returned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class MediaWikiError(Exception):
    """An error of the API: a code for programs and a sentence."""

    def __init__(self, code: str, info: str, **more: Any) -> None:
        super().__init__(info)
        self.code, self.info, self.more = code, info, more


@dataclass(frozen=True, slots=True)
class RequestParameters:
    """The parameters of one request."""

    params: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """A parameter as text."""
        return self.params.get(name, default)

    def words(self, name: str, default: str = "") -> tuple[str, ...]:
        """A parameter with several values separated by "|"."""
        return tuple(word for word in self.text(name, default).split("|") if word)

    def number(self, name: str, default: int) -> int:
        """A whole number; raises `MediaWikiError` for anything else."""
        text = self.text(name, str(default))
        if not text.removeprefix("-").isdecimal():
            raise MediaWikiError(
                "badinteger", f'Invalid value "{text}" for integer parameter "{name}".'
            )
        return int(text)

    def limit(self, name: str) -> int:
        """Most rows: 10 by default; "max" and larger numbers mean 500."""
        if self.text(name) == "max":
            return 500
        return min(500, max(1, self.number(name, 10)))

    @property
    def modern(self) -> bool:
        """Whether `formatversion=2` is requested: lists and booleans instead of objects and ""."""
        return self.text("formatversion") in {"2", "latest"}


@dataclass(slots=True)
class Continuation:
    """The continuation of an answer. Modules add what is left; `head` combines it."""

    asked: RequestParameters
    props: tuple[str, ...]
    lists: tuple[str, ...]
    generator_next: dict[str, Any] = field(default_factory=dict)
    left: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        text = self.asked.text("continue")
        if text and text.count("||") != 1:
            raise MediaWikiError(
                "badcontinue",
                "Invalid continue param. You should pass the original value returned by the "
                "previous query.",
            )

    @property
    def generator_done(self) -> bool:
        """Whether the generator is finished."""
        return self.asked.text("continue").startswith("-||")

    def runs(self, module: str) -> bool:
        """Whether a property or list still has results."""
        if module in self.props and self.generator_done:
            return False
        return module not in self.asked.text("continue").partition("||")[2].split("|")

    def head(self) -> dict[str, Any]:
        """`continue` and `batchcomplete`, if this answer has them."""
        finished = [name for name in (*self.lists, *self.props) if name not in self.left]
        data: dict[str, Any] = {}
        for name in self.lists:
            data |= self.left.get(name, {})
        unfinished = [name for name in self.props if name in self.left]
        generator: dict[str, Any] | None = None
        if unfinished:
            for name in unfinished:
                data |= self.left[name]
            # The generator stays at its current position.
            names = self.asked.text("continue").partition("||")[0].split("|")
            generator = {n: self.asked.params[n] for n in names if n in self.asked.params}
        elif self.generator_next:
            generator = self.generator_next
            finished = [name for name in finished if name not in self.props]
        data |= generator or {}
        keys = "-" if generator is None else "|".join(generator)
        if data or keys != "-":
            data["continue"] = f"{keys}||{'|'.join(finished)}"
        head: dict[str, Any] = {"continue": data} if data else {}
        return head if unfinished else {"batchcomplete": True if self.asked.modern else ""} | head
