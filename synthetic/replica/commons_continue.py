"""The parameters of a request to the replica's `api.php`, and the `continue` of its answer.

After MediaWiki's own ApiContinuationManager: the generator's key is primary, and stays where it is
until every property of its pages has been handed out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class MediaWikiError(Exception):
    """What the API says instead of an answer: a code for programs, and a sentence."""

    def __init__(self, code: str, info: str, **more: Any) -> None:
        super().__init__(info)
        self.code, self.info, self.more = code, info, more


@dataclass(frozen=True, slots=True)
class RequestParameters:
    """The parameters of one request."""

    params: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """A parameter as it is."""
        return self.params.get(name, default)

    def words(self, name: str, default: str = "") -> tuple[str, ...]:
        """A parameter of several values, divided by "|"."""
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
        """How many rows at most: 10 unless asked, "max" is 500, and so is any larger number."""
        if self.text(name) == "max":
            return 500
        return min(500, max(1, self.number(name, 10)))

    @property
    def modern(self) -> bool:
        """Whether `formatversion=2` is asked for: lists and booleans in place of objects and ""."""
        return self.text("formatversion") in {"2", "latest"}


@dataclass(slots=True)
class Continuation:
    """Where an answer can be gone on with. Modules say what is left; `head` puts it together."""

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
        """Whether the generator has nothing more to say."""
        return self.asked.text("continue").startswith("-||")

    @property
    def generator_now(self) -> dict[str, str]:
        """The parameters at which the generator stands."""
        names = self.asked.text("continue").partition("||")[0].split("|")
        return {name: self.asked.params[name] for name in names if name in self.asked.params}

    def runs(self, module: str) -> bool:
        """Whether a property or list is still to be answered."""
        if module in self.props and self.generator_done:
            return False
        return module not in self.asked.text("continue").partition("||")[2].split("|")

    def head(self) -> dict[str, Any]:
        """`continue` and `batchcomplete`, each where it belongs in this answer."""
        finished = [name for name in (*self.lists, *self.props) if name not in self.left]
        data: dict[str, Any] = {}
        for name in self.lists:
            data |= self.left.get(name, {})
        unfinished = [name for name in self.props if name in self.left]
        generator: dict[str, Any] | None = None
        if unfinished:
            for name in unfinished:
                data |= self.left[name]
            generator = self.generator_now
        elif self.generator_next:
            generator = self.generator_next
            finished = [name for name in finished if name not in self.props]
        data |= generator or {}
        keys = "-" if generator is None else "|".join(generator)
        if data or keys != "-":
            data["continue"] = f"{keys}||{'|'.join(finished)}"
        head: dict[str, Any] = {"continue": data} if data else {}
        return head if unfinished else {"batchcomplete": True if self.asked.modern else ""} | head
