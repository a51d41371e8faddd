"""Photos labeled by their stored vectors: zero-shot, and trained heads.

No photo is embedded and no network is loaded: the classifiers are those of `labeling.linear`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from catalog.table import Catalog
from core.assertions import CONFIDENCE_DIGITS, Assertion
from core.vocabulary import Vocabulary
from labeling.label import add_assertions
from labeling.labelers import Labeler, LabelerThreshold, by_trust, load_labelers, thresholds_of
from labeling.linear import Answers, Array, Classifier, WeightsError, answers, unpack
from labeling.pending import VIEW


@dataclass(frozen=True, slots=True)
class VectorLabelers:
    """The labelers in use that read the vectors of one model, the most trusted first."""

    members: tuple[tuple[Labeler, tuple[Classifier, ...]], ...]

    def find_classifier(self, attribute: str) -> tuple[Labeler, Classifier] | None:
        """The most trusted member that answers an attribute, and its classifier."""
        for labeler, classifiers in self.members:
            for each in classifiers:
                if each.attribute == attribute:
                    return labeler, each
        return None


def load_vector_labelers(catalog: Catalog, space_version: str) -> VectorLabelers:
    """The labelers of a catalog that read vectors of this model version."""
    labelers = [
        each
        for each in load_labelers(catalog, weights=True)
        if each.space_version == space_version and each.weights is not None
    ]
    ranked = by_trust(labelers)
    members = ((each, tuple(readable(each))) for each in ranked)
    return VectorLabelers(
        tuple((each, classifiers) for each, classifiers in members if classifiers)
    )


def readable(labeler: Labeler) -> list[Classifier]:
    """The classifiers of a labeler; an empty list if its weights are absent or damaged.

    Zero-shot is then made again, and a head does not count until it is retrained.
    """
    try:
        return unpack(labeler.weights or b"")
    except WeightsError:
        return []


def label_vectors(
    labelers: VectorLabelers,
    image_ids: Sequence[str],
    vectors: Array,
    known_views: Mapping[str, str],
    vocabulary: Vocabulary,
    at: datetime,
) -> list[Assertion]:
    """The statements of these labelers about n photos with unit vectors (n, size).

    An attribute is asked only if it makes sense for the view of the photo: the known one, of a
    person or a source, or else the view that the labelers say.
    """
    if not len(image_ids):
        return []
    views = views_of(labelers, image_ids, vectors, known_views)
    made: list[Assertion] = []
    for labeler, classifiers in labelers.members:
        for each in classifiers:
            question = vocabulary.questions.get(each.attribute)
            if question is None:
                continue
            rows = [row for row, view in enumerate(views) if question.makes_sense(view)]
            if rows:
                found = _answers(labeler, each, vectors[rows])
                ids = [image_ids[row] for row in rows]
                made += statements(labeler, each.attribute, ids, found, at)
    return made


def views_of(
    labelers: VectorLabelers,
    image_ids: Sequence[str],
    vectors: Array,
    known_views: Mapping[str, str],
) -> list[str | None]:
    """The view of each photo: the known one, or else the one of which the labelers are sure.

    It is None where they are not sure; then every attribute is asked. Before calibration it is the
    most probable view.
    """
    said: list[str | None] = [None] * len(image_ids)
    if (asked := labelers.find_classifier(VIEW)) is not None:
        found = _answers(*asked, vectors)
        calibration = asked[0].calibration.get(VIEW)
        least = -1.0 if calibration is None else calibration.threshold
        said = [
            values[0] if least is not None and round(sure, CONFIDENCE_DIGITS) >= least else None
            for values, sure in zip(found.values, found.confidences.tolist(), strict=True)
        ]
    return [known_views.get(key, view) for key, view in zip(image_ids, said, strict=True)]


def statements(
    labeler: Labeler, attribute: str, image_ids: Sequence[str], found: Answers, at: datetime
) -> list[Assertion]:
    """Answers about photos, as statements of this labeler."""
    sure = [round(each, CONFIDENCE_DIGITS) for each in found.confidences.astype(float).tolist()]
    return [
        Assertion(
            key, attribute, values, False, how, "model", labeler.name, labeler.version, "", at
        )
        for key, values, how in zip(image_ids, found.values, sure, strict=True)
    ]


def _answers(labeler: Labeler, classifier: Classifier, vectors: Array) -> Answers:
    calibration = labeler.calibration.get(classifier.attribute)
    temperature = 1.0 if calibration is None else calibration.temperature
    scores = classifier.scores(vectors)
    return answers(scores, classifier.values, temperature, many=classifier.many)


HISTOGRAM = 20
"""Bins of a histogram of confidences, from 0 to 1."""


@dataclass(slots=True)
class PredictionCounts:
    """Counts of one call: photos that were labeled, statements added by each labeler, and the
    labelers' versions.

    `said` counts statements with a confidence by (labeler, attribute, value). A statement with two
    values counts under each of them, one without values under "none". An abstention has no
    confidence and is not counted here. `passed` counts, in the same way, the statements that are
    confident enough for a label. `confidences` has a histogram for each (labeler, attribute).
    """

    photos: int = 0
    statements: Counter[str] = field(default_factory=Counter)
    versions: dict[str, str] = field(default_factory=dict)
    said: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    passed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    confidences: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, other: "PredictionCounts") -> None:
        """Add the counts of another shard."""
        self.photos += other.photos
        self.statements.update(other.statements)
        self.versions |= other.versions
        self.said.update(other.said)
        self.passed.update(other.passed)
        for name, bins in other.confidences.items():
            held = self.confidences.setdefault(name, [0] * HISTOGRAM)
            self.confidences[name] = [a + b for a, b in zip(held, bins, strict=True)]

    def count(self, made: Sequence[Assertion], thresholds: Sequence[LabelerThreshold]) -> None:
        """Count the statements of `made`. One passes if its confidence reaches the threshold for
        its labeler, version and attribute; without such a threshold none passes."""
        minimum = {(rule.by, rule.version, rule.attribute): rule.threshold for rule in thresholds}
        for each in made:
            self.statements[each.by] += 1
            self.versions[each.by] = each.version
            threshold = minimum.get((each.by, each.version, each.attribute))
            sure = each.confidence
            if sure is None:
                continue
            bins = self.confidences.setdefault((each.by, each.attribute), [0] * HISTOGRAM)
            bins[min(int(sure * HISTOGRAM), HISTOGRAM - 1)] += 1
            for value in each.values or ("none",):
                self.said[each.by, each.attribute, value] += 1
                passed = threshold is not None and sure >= threshold
                self.passed[each.by, each.attribute, value] += passed


def ask_photos(
    catalog: Catalog,
    labelers: VectorLabelers,
    image_ids: Sequence[str],
    vectors: Array,
    known_views: Mapping[str, str],
    *,
    run_id: str,
) -> PredictionCounts:
    """Label n photos by their unit vectors (n, size) and store that; repeats add nothing."""
    now = datetime.now(UTC)
    made = label_vectors(labelers, image_ids, vectors, known_views, catalog.vocabulary, now)
    added = add_assertions(catalog, made, run_id=run_id)
    asked = PredictionCounts(photos=len(image_ids))
    asked.count(added, thresholds_of(labeler for labeler, _ in labelers.members))
    return asked
