"""How good sources, networks and labels are in this catalog, against what people decided."""

from collections.abc import Iterator, Sequence

from catalog.sql import equals
from catalog.table import Catalog
from core.assertions import Assertion
from labeling.consensus import decide
from labeling.heads import is_held_out
from labeling.label import effective_assertions
from labeling.labelers import HEAD_PREFIX, LabelerThreshold, load_thresholds
from labeling.publish.cars import COMPOSED
from labeling.quality import Claim, Quality, label_quality


def assess(catalog: Catalog) -> list[Quality]:
    """The quality of sources, of networks in use and of labels, by attribute.

    They are compared with the decisions of people; labels are those that would be shown without
    these decisions. Heads are measured only on photos that no training sees.
    """
    people = equals("origin", "human")
    ids = sorted(set(catalog.column("assertions", "image_id", people).to_pylist()))
    thresholds = load_thresholds(catalog)
    claims: list[Claim] = []
    truth: dict[tuple[str, str], tuple[str, ...]] = {}
    for start in range(0, len(ids), COMPOSED):
        some = ids[start : start + COMPOSED]
        rows = catalog.rows("cars", some, ["image_id", "page_url"]).to_pylist()
        pages = {row["image_id"]: row["page_url"] for row in rows}
        for key, said in effective_assertions(catalog, some, thresholds).items():
            fair = is_held_out(pages.get(key) or key)
            for name, made in decide(said, catalog.vocabulary, thresholds).items():
                if made.label is not None and made.label.origin == "human":
                    truth[key, name] = made.label.values
            rest = [each for each in said if each.origin != "human"]
            for name, made in decide(rest, catalog.vocabulary, thresholds).items():
                asked = [e for e in made.considered if fair or not e.by.startswith(HEAD_PREFIX)]
                claims += _claims(key, name, asked, thresholds)
                if (label := made.label) is not None:
                    sure = label.confidence
                    claims.append(Claim(key, name, "label", "Marque", label.values, sure, True))
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
