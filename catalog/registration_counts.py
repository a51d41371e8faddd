"""The counts of a registration."""

from collections import Counter
from dataclasses import dataclass, field

from catalog.facts import FactChange


@dataclass(slots=True)
class RegistrationCounts:
    """Counts of one registration: `seen` is the sum of `new`, `again`, `known`, `rejected`.

    `new`: photos whose bytes this registration added (if several do so at once, one of them
    counts it). `again`: known bytes at a new place. `known`: known bytes at a known place.
    `newly_rejected`: rows added to `rejects`. `changed`: known places with changed facts. `facts`:
    how often a fact of these places was set, changed or withdrawn, by the fact's name.
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
        """Add the counts of another shard."""
        for name in ("seen", "new", "again", "known", "changed", "bytes", "newly_rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rejected.update(other.rejected)
        self.notices.update(other.notices)
        self.facts.update(other.facts)
        self.examples = other.examples | self.examples
