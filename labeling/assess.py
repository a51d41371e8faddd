"""How good sources, networks and labels are in this catalog, against what people decided."""

from collections.abc import Iterator, Sequence

from catalog.sql import equals
from catalog.table import Catalog
from core.assertions import Assertion, Label
from labeling.consensus import decide
from labeling.heads import is_held_out
from labeling.label import effective_assertions
from labeling.labelers import HEAD, LabelerThreshold, load_thresholds
from labeling.publish.cars import COMPOSED
from labeling.quality import Claim, Quality, label_quality


def assess(catalog: Catalog) -> list[Quality]:
    """The quality of each source, of each network in use, and of the labels that would be shown
    without people, by attribute, on the photos that people decided about.

    Heads have learned from such photos: they are measured on those that no training sees.
    """
    people = equals("origin", "human")
    ids = sorted(set(catalog.column("assertions", "image_id", people).to_pylist()))
    thresholds = load_thresholds(catalog)
    claims: list[Claim] = []
    truth: dict[tuple[str, str], tuple[str, ...]] = {}
    for start in range(0, len(ids), COMPOSED):
        pages = _pages(catalog, ids[start : start + COMPOSED])
        for key, said in effective_assertions(
            catalog, ids[start : start + COMPOSED], thresholds
        ).items():
            decided = decide(said, catalog.vocabulary, thresholds)
            for name, made in decided.items():
                if made.label is not None and made.label.origin == "human":
                    truth[key, name] = made.label.values
            rest = [each for each in said if each.origin != "human"]
            for name, made in decide(rest, catalog.vocabulary, thresholds).items():
                fair = [
                    e
                    for e in made.considered
                    if not e.by.startswith(HEAD) or is_held_out(pages[key])
                ]
                claims += _claims(key, name, fair, thresholds)
                claims += _shown(key, name, made.label)
    many = {name for name, each in catalog.vocabulary.attributes.items() if each.many}
    return label_quality(
        [each for each in claims if (each.image_id, each.attribute) in truth], truth, many
    )


def _claims(
    key: str,
    attribute: str,
    considered: Sequence[Assertion],
    thresholds: Sequence[LabelerThreshold],
) -> Iterator[Claim]:
    least = {
        (each.by, each.version): each.threshold
        for each in thresholds
        if each.attribute == attribute
    }
    for said in considered:
        if said.one_of or said.origin == "human":
            continue
        threshold = least.get((said.by, said.version))
        sure = said.confidence
        passed = said.origin == "source" or (
            threshold is not None and sure is not None and sure >= threshold
        )
        yield Claim(key, attribute, said.origin, said.by, said.values, sure, passed)


def _pages(catalog: Catalog, image_ids: Sequence[str]) -> dict[str, str]:
    rows = catalog.rows("cars", image_ids, ["image_id", "page_url"]).to_pylist()
    found = {row["image_id"]: row["page_url"] for row in rows}
    return {key: found.get(key) or key for key in image_ids}


def _shown(key: str, attribute: str, label: Label | None) -> Iterator[Claim]:
    if label is not None:
        yield Claim(key, attribute, "label", "Marque", label.values, label.confidence, True)
