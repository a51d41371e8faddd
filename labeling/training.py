"""Heads of a catalog, trained on its known labels and used where they are better."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from catalog.table import Catalog
from core.errors import UsageMistakeError
from embeddings.registry import SpaceRecord
from labeling.heads import Examples, Trial, train_head
from labeling.labelers import HEAD_PREFIX, retire_labeler, use_labeler
from labeling.networks import VectorLabelers, load_vector_labelers, views_of
from labeling.prepare import LabelPolicy, with_vectors
from labeling.truth import load_truth
from labeling.zero_shot import ZERO_SHOT

REAL_ONLY = "real_only"
"""The name of the fact that a head has learned from real photos alone."""


def trainable(catalog: Catalog, attributes: Sequence[str] = ()) -> list[str]:
    """The attributes that a head can learn, or those asked for; raises `UsageMistakeError`."""
    known = {n: a for n, a in catalog.vocabulary.attributes.items() if a.kind != "number"}
    if strange := [each for each in attributes if each not in known]:
        raise UsageMistakeError(
            f"no head can be trained for {strange[0]!r}; use one of {', '.join(known)}"
        )
    return list(attributes or known)


def train_heads(
    catalog: Catalog,
    record: SpaceRecord,
    attributes: Sequence[str],
    labels: LabelPolicy,
    *,
    run_id: str,
) -> Iterator[Trial]:
    """Train a head for each attribute on the stored vectors of this model.

    A head that is better than zero-shot comes into use; if it is not, the earlier head is retired.
    """
    vector_labelers = load_vector_labelers(catalog, record.version)
    for attribute in attributes:
        examples = _examples(catalog, record, attribute, vector_labelers, labels)
        zero_shot = [
            each
            for labeler, classifiers in vector_labelers.members
            for each in classifiers
            if labeler.name == ZERO_SHOT and each.attribute == attribute
        ]
        trial = train_head(
            attribute,
            examples,
            many=catalog.vocabulary.attributes[attribute].many,
            rival=next(iter(zero_shot), None),
            space_version=record.version,
            is_tryout=record.is_tryout,
            precision=labels.precision,
        )
        if trial.kept and trial.labeler is not None:
            facts = trial.labeler.facts | {REAL_ONLY: labels.real_only}
            use_labeler(catalog, replace(trial.labeler, facts=facts), run_id=run_id)
        elif trial.labeler is not None:
            retire_labeler(catalog, f"{HEAD_PREFIX}{attribute}", run_id=run_id)
        yield trial


def _examples(
    catalog: Catalog,
    record: SpaceRecord,
    attribute: str,
    vector_labelers: VectorLabelers,
    labels: LabelPolicy,
) -> Examples:
    truth = load_truth(catalog, attribute, record.space, record.version, real_only=labels.real_only)
    truth, vectors = with_vectors(catalog, record.space, truth)
    views = views_of(vector_labelers, truth.image_ids, vectors, truth.known_views)
    question = catalog.vocabulary.questions[attribute]
    rows = [row for row, view in enumerate(views) if question.makes_sense(view)]
    some = truth.take(rows)
    return Examples(vectors[rows], some.values, some.groups)
