"""Labelers come into use: with the current questions, calibrated by the labels known now."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from catalog.table import Catalog
from embeddings.registry import ModelError, SpaceRecord
from labeling import zero_shot
from labeling.calibrate import LEAST_KNOWN, fit, unfitted
from labeling.labelers import Calibration, Labeler, load_labelers, use_labeler
from labeling.linear import Array, Classifier, pack
from labeling.networks import VectorLabelers, readable, views_of
from labeling.pictures import PixelLabeler, scores_of
from labeling.truth import Truth, load_truth, load_vectors

_ASKED = "asked"


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """The policy for labels of networks: the share `precision` of them must be right.

    With `real_only` they are measured on real photos only, and an unmeasured labeler gives none.
    """

    precision: float
    real_only: bool


def prepare_zero_shot(
    catalog: Catalog,
    record: SpaceRecord,
    load_encoder: Callable[[], zero_shot.TextEncoder],
    labels: LabelPolicy,
    *,
    run_id: str,
    again: bool = False,
) -> Labeler:
    """The zero-shot labeler of this model, in use.

    It is made again when the questions have changed. It is recalibrated when the known labels of
    an attribute have become enough or have doubled, when the policy has changed, or with `again`.
    Each time it gets another version. The encoder is loaded only for new questions; raises
    `ModelError` if the vectors were made by another one.
    """
    used = _in_use(catalog, zero_shot.ZERO_SHOT)
    asked = zero_shot.fingerprint(catalog.vocabulary, record)
    same = used is not None and used.facts.get(_ASKED) == asked
    classifiers = [] if used is None or not same else readable(used)
    if not classifiers:
        same = False
        encoder = load_encoder()
        if encoder.record.version != record.version:
            raise ModelError(
                f"the vectors were made with {record.version}, but what is here now is "
                f"{encoder.record.version}; bring those weights back, or run `marque embed`"
            )
        classifiers = zero_shot.make_classifiers(encoder, catalog.vocabulary)
    truths = _truths(catalog, record, [each.attribute for each in classifiers], labels)
    if used is not None and same and not again and not _due(used, truths, labels):
        return used
    calibration = calibrate(catalog, record.space, classifiers, truths, labels)
    labeler = Labeler(
        zero_shot.ZERO_SHOT,
        _version(record.version, asked, calibration),
        record.version,
        record.is_tryout,
        calibration,
        _facts(asked, truths, labels),
        pack(classifiers),
    )
    use_labeler(catalog, labeler, run_id=run_id)
    return labeler


CALIBRATION_SAMPLE = 300
"""The most photos to calibrate a labeler of pictures by, as it is slow."""


def prepare_pictures(
    catalog: Catalog,
    record: SpaceRecord,
    member: PixelLabeler,
    segment: Callable[[Sequence[str]], None],
    labels: LabelPolicy,
    *,
    run_id: str,
    again: bool = False,
) -> Labeler:
    """The labeler of pictures `member`, in use; made again in the same cases as zero-shot.

    It is calibrated by a sample of the photos with known labels, whose masks `segment` makes first.
    """
    used = _in_use(catalog, member.name)
    same = used is not None and used.facts.get(_ASKED) == member.fingerprint
    truths = _truths(catalog, record, [each.attribute for each in member.attributes], labels)
    if used is not None and same and not again and not _due(used, truths, labels):
        return used
    default = unfitted(None if labels.real_only else labels.precision)
    calibration = {each.attribute: default for each in member.attributes}
    for answered, truth in zip(member.attributes, truths, strict=True):
        question = catalog.vocabulary.questions[answered.attribute]
        rows = [row for row, view in enumerate(truth.views) if question.makes_sense(view)]
        some = truth.take(rows[:: max(1, -(-len(rows) // CALIBRATION_SAMPLE))])
        if len(some.image_ids) >= LEAST_KNOWN:
            segment(some.image_ids)
            shown, scores = scores_of(catalog, member, some, answered.attribute)
            if len(shown.image_ids) >= LEAST_KNOWN:
                calibration[answered.attribute] = fit(
                    scores, answered.values, shown.values,
                    many=answered.many, precision=labels.precision,
                )  # fmt: skip
    labeler = Labeler(
        member.name,
        _version(member.fingerprint, "", calibration),
        member.space_version,
        member.is_tryout,
        calibration,
        _facts(member.fingerprint, truths, labels),
    )
    use_labeler(catalog, labeler, run_id=run_id)
    return labeler


def _in_use(catalog: Catalog, name: str) -> Labeler | None:
    found = load_labelers(catalog, weights=True)
    return next((each for each in found if each.name == name), None)


def _truths(
    catalog: Catalog, record: SpaceRecord, attributes: Sequence[str], labels: LabelPolicy
) -> list[Truth]:
    space, version = record.space, record.version
    return [
        load_truth(catalog, each, space, version, real_only=labels.real_only) for each in attributes
    ]


def _version(begin: str, asked: str, calibration: Mapping[str, Calibration]) -> str:
    content = [asked, {name: asdict(how) for name, how in calibration.items()}]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
    return f"{begin}+{digest}"


def _facts(
    asked: str, truths: Sequence[Truth], labels: LabelPolicy
) -> dict[str, str | int | float | None]:
    return {_ASKED: asked} | asdict(labels) | {_known(each): each.known for each in truths}


def _known(truth: Truth) -> str:
    return f"known {truth.attribute}"


def calibrate(
    catalog: Catalog,
    space: str,
    classifiers: list[Classifier],
    truths: list[Truth],
    labels: LabelPolicy,
) -> dict[str, Calibration]:
    """Attribute -> its calibration, fitted where enough labels are known.

    Photos for whose view the attribute makes no sense are left out.
    """
    bare = Labeler("", "", "", is_tryout=False, calibration={})
    vector_labelers = VectorLabelers(((bare, tuple(classifiers)),))
    default = unfitted(None if labels.real_only else labels.precision)
    found = {}
    for classifier, all_known in zip(classifiers, truths, strict=True):
        found[classifier.attribute] = default
        if len(all_known.image_ids) < LEAST_KNOWN:
            continue
        truth, vectors = with_vectors(catalog, space, all_known)
        views = views_of(vector_labelers, truth.image_ids, vectors, truth.known_views)
        question = catalog.vocabulary.questions[classifier.attribute]
        rows = [row for row, view in enumerate(views) if question.makes_sense(view)]
        if len(rows) >= LEAST_KNOWN:
            found[classifier.attribute] = fit(
                classifier.scores(vectors[rows]),
                classifier.values,
                truth.take(rows).values,
                many=classifier.many,
                precision=labels.precision,
            )
    return found


def with_vectors(catalog: Catalog, space: str, truth: Truth) -> tuple[Truth, Array]:
    """The truth of the photos that have a vector, and these (n, size)."""
    ids, vectors = load_vectors(catalog, space, truth.image_ids)
    found = {key: row for row, key in enumerate(ids)}
    # In the order of the truth, as the order of the table changes when rows are rewritten.
    rows = [row for row, key in enumerate(truth.image_ids) if key in found]
    order = [found[truth.image_ids[row]] for row in rows]
    return truth.take(rows), vectors[order]


def _due(used: Labeler, truths: Sequence[Truth], labels: LabelPolicy) -> bool:
    """Whether the known labels or the wanted precision have changed since it was calibrated."""
    if any(used.facts.get(name) != value for name, value in asdict(labels).items()):
        return True
    for truth in truths:
        before = used.facts.get(_known(truth))
        least = 2 * before if isinstance(before, int) and before >= LEAST_KNOWN else LEAST_KNOWN
        if truth.known >= least:
            return True
    return False
