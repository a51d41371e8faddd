"""Rows of `cars` brought up to date, and where networks and sources differ about them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog.cars import refresh_cars
from catalog.table import Catalog
from core.assertions import Label
from labeling.label import decisions


@dataclass(slots=True)
class Differences:
    """Of how many photos' labels, by attribute, a network that is sure contradicts a source, and
    sources each other; and how many `photos` were looked at."""

    photos: int = 0
    networks: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Differences") -> None:
        """Take the counts of another shard in."""
        self.photos += other.photos
        self.networks.update(other.networks)
        self.sources.update(other.sources)


def refresh_labels(catalog: Catalog, image_ids: Sequence[str]) -> Differences:
    """Let rows of `cars` show all that is known of their photos."""
    found = Differences(photos=len(image_ids))

    def label(some: Sequence[str]) -> Mapping[str, Mapping[str, Label]]:
        labels: dict[str, dict[str, Label]] = {}
        for key, made in decisions(catalog, some).items():
            labels[key] = {name: each.label for name, each in made.items() if each.label}
            for name, each in made.items():
                spoken = {said.origin for said in each.heard}
                against = {said.origin for said in each.against}
                found.networks[name] += "source" in spoken and "model" in against
                found.sources[name] += "source" in against
        return labels

    refresh_cars(catalog, image_ids, label)
    return found
