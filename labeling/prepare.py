"""Zero-shot put to use: asked as the vocabulary says now, calibrated by the labels known now."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from catalog.labelers import Calibration, Labeler, load_labelers, use_labeler
from catalog.table import Catalog
from embeddings.registry import ModelError, SpaceRecord
from labeling import zero_shot
from labeling.calibrate import LEAST, fit, unfitted
from labeling.linear import Array, Classifier, pack, unpack
from labeling.networks import Panel, views_of
from labeling.truth import Truth, load_truth, load_vectors

_ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Labels:
    """What the labels of networks must hold: the share `precision` of them is right.

    With `real_only` rendered photos are no measure, and nothing passes that was not measured.
    """

    precision: float
    real_only: bool


def prepare_zero_shot(
    catalog: Catalog,
    record: SpaceRecord,
    load_encoder: Callable[[], zero_shot.TextEncoder],
    labels: Labels,
    *,
    run_id: str,
    again: bool = False,
) -> Labeler:
    """The zero-shot labeler of this model, in use.

    It is made anew where the questions have changed, and calibrated anew where people have given
    enough labels to go by theirs, where the known labels of an attribute have doubled since, or
    `again`. Each is another version. The encoder is loaded only for new questions; raises
    `ModelError` where it is not the one that made the vectors.
    """
    used = next((e for e in load_labelers(catalog, weights=True) if e.name == zero_shot.NAME), None)
    asked = zero_shot.fingerprint(catalog.vocabulary, record)
    same = used is not None and used.facts.get(_ASKED) == asked and used.weights is not None
    if same and used is not None and used.weights is not None:
        classifiers = unpack(used.weights)
    else:
        classifiers = zero_shot.make_classifiers(
            _matching(load_encoder(), record), catalog.vocabulary
        )
    truths = [
        load_truth(
            catalog, each.attribute, record.space, record.version, real_only=labels.real_only
        )
        for each in classifiers
    ]
    if used is not None and same and not again and not _due(used, truths):
        return used
    calibration = calibrate(catalog, record.space, classifiers, truths, labels)
    facts: dict[str, str | int | float | None] = {_ASKED: asked}
    facts |= {_known(each): each.known for each in truths}
    content = json.dumps([asked, {k: asdict(v) for k, v in calibration.items()}], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    labeler = Labeler(
        zero_shot.NAME,
        f"{record.version}+{digest}",
        record.version,
        record.is_tryout,
        calibration,
        facts,
        pack(classifiers),
    )
    use_labeler(catalog, labeler, run_id=run_id)
    return labeler


def calibrate(
    catalog: Catalog,
    space: str,
    classifiers: list[Classifier],
    truths: list[Truth],
    labels: Labels,
) -> dict[str, Calibration]:
    """By attribute, how its scores become probabilities, fitted on what is known of it if enough
    is; photos whose view makes no sense for it are left out."""
    bare = Labeler("", "", "", is_tryout=False, calibration={})
    panel = Panel(((bare, tuple(classifiers)),))
    default = unfitted(None if labels.real_only else labels.precision)
    found = {}
    for classifier, all_known in zip(classifiers, truths, strict=True):
        found[classifier.attribute] = default
        if len(all_known.image_ids) < LEAST:
            continue
        truth, vectors = with_vectors(catalog, space, all_known)
        views = views_of(panel, truth.image_ids, vectors, truth.known_views)
        question = catalog.vocabulary.questions[classifier.attribute]
        rows = [row for row, view in enumerate(views) if question.makes_sense(view)]
        if len(rows) >= LEAST:
            found[classifier.attribute] = fit(
                classifier.scores(vectors[rows]),
                classifier.values,
                truth.take(rows).values,
                many=classifier.many,
                precision=labels.precision,
                origin=truth.origin,
            )
    return found


def with_vectors(catalog: Catalog, space: str, truth: Truth) -> tuple[Truth, Array]:
    """The truth of the photos that have a vector, and these (n, size)."""
    ids, vectors = load_vectors(catalog, space, truth.image_ids)
    at = {key: row for row, key in enumerate(truth.image_ids)}
    return truth.take([at[key] for key in ids]), vectors


def _matching(encoder: zero_shot.TextEncoder, record: SpaceRecord) -> zero_shot.TextEncoder:
    if encoder.record.version != record.version:
        raise ModelError(
            f"the vectors were made with {record.version}, but what is here now is "
            f"{encoder.record.version}; bring those weights back, or run `marque embed`"
        )
    return encoder


def _due(used: Labeler, truths: list[Truth]) -> bool:
    for truth in truths:
        now, before = truth.known, used.facts.get(_known(truth))
        if now >= LEAST and (not isinstance(before, int) or now >= 2 * max(before, 1)):
            return True
        fitted = used.calibration.get(truth.attribute)
        if now >= LEAST and truth.origin == "human" and fitted and fitted.origin != "human":
            return True
    return False


def _known(truth: Truth) -> str:
    return f"known {truth.attribute}"
