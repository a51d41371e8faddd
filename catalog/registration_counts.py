"""What came of a registration, counted."""

from collections import Counter
from dataclasses import dataclass, field

from catalog.facts import FactChange


@dataclass(slots=True)
class RegistrationCounts:
    """Counts of one registration: `seen` is the sum of `new`, `again`, `known`, `rejected`.

    `new`: photos whose bytes this registration itself added, of several at once one alone; `again`:
    known bytes at a new place; `known`: known bytes at a known place. `newly_rejected` are rows
    that it added to `rejects`. `changed` places were known and now say something else; `facts`
    counts of these places what was set, changed and withdrawn, by the name of the fact.
    """

    seen: int = 0
    new: int = 0
    again: int = 0
    known: int = 0
    changed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    newly_rejected: int = 0
    facts: Counter[tuple[str, FactChange]] = field(default_factory=Counter)

    def note(self, text: str, example: str) -> None:
        """Count a notice and keep its first example."""
        self.notices[text] += 1
        self.examples.setdefault(text, example)

    def add(self, other: "RegistrationCounts") -> None:
        """Take the counts of another shard in."""
        for name in ("seen", "new", "again", "known", "changed", "bytes", "newly_rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rejected.update(other.rejected)
        self.notices.update(other.notices)
        self.facts.update(other.facts)
        self.examples = other.examples | self.examples
