"""Heads of a catalog, trained on its known labels and used where they are better."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from catalog.table import Catalog
from core.errors import UsageMistakeError
from embeddings.registry import SpaceRecord
from labeling.heads import Examples, Trial, train_head
from labeling.labelers import HEAD_PREFIX, load_labelers, retire_labeler, use_labeler
from labeling.networks import load_vector_labelers, views_of
from labeling.prepare import LabelPolicy, with_vectors
from labeling.truth import load_truth
from labeling.zero_shot import ZERO_SHOT

COVERED = 0.95
"""The share of the photos with a known label that must have a vector of a space: a head on fewer
would be measured on others, and would leave the rest without its labels."""

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
    first: SpaceRecord,
    records: Sequence[SpaceRecord],
    attributes: Sequence[str],
    labels: LabelPolicy,
    *,
    run_id: str,
) -> Iterator[Trial]:
    """Train a head for each attribute on the stored vectors of these spaces; zero-shot reads those
    of `first`.

    Of one head a space, the one is taken that is right most often on the photos that it is
    calibrated by; the first space where they are equal. If it is better than zero-shot on photos
    held out from both it comes into use; if it is not, the earlier head is retired.
    """
    zero_shots = {
        each.attribute: each
        for labeler, classifiers in load_vector_labelers(catalog, first.version).members
        for each in classifiers
        if labeler.name == ZERO_SHOT
    }
    for attribute in attributes:
        whole = _examples(catalog, first, first, attribute, labels)
        trials = []
        for record in records:
            some = whole
            if record != first:
                some = _examples(catalog, record, first, attribute, labels)
            if len(some.values) < COVERED * len(whole.values):
                why = f"space {record.space!r} has too few vectors; `marque embed` fills it"
                trials.append(Trial(attribute, len(some.values), why=why, space=record.space))
                continue
            many, rival = catalog.vocabulary.attributes[attribute].many, zero_shots.get(attribute)
            trials.append(
                train_head(
                    attribute,
                    some,
                    many=many,
                    rival=rival,
                    space=record,
                    precision=labels.precision,
                )
            )
        trial = max(trials, key=lambda each: (each.labeler is not None, each.checked))
        _use(catalog, trial, {record.version for record in records}, labels, run_id)
        yield trial


def _use(
    catalog: Catalog, trial: Trial, tried: Collection[str], labels: LabelPolicy, run_id: str
) -> None:
    """Bring a head that is kept into use; retire the earlier one if none is, unless it reads a
    space that was not tried: there it may still be good."""
    if trial.labeler is None:
        return
    name = f"{HEAD_PREFIX}{trial.attribute}"
    used = [each for each in load_labelers(catalog) if each.name == name]
    if trial.kept:
        facts = trial.labeler.facts | {REAL_ONLY: labels.real_only}
        use_labeler(catalog, replace(trial.labeler, facts=facts), run_id=run_id)
    elif all(each.space_version in tried for each in used):
        retire_labeler(catalog, name, run_id=run_id)


def _examples(
    catalog: Catalog,
    record: SpaceRecord,
    first: SpaceRecord,
    attribute: str,
    labels: LabelPolicy,
) -> Examples:
    """The photos with a known label that have vectors of both models, and for whose view the
    attribute makes sense."""
    truth = load_truth(catalog, attribute, first.space, first.version, real_only=labels.real_only)
    truth, read = with_vectors(catalog, first.space, truth)
    views = views_of(
        load_vector_labelers(catalog, first.version), truth.image_ids, read, truth.known_views
    )
    question = catalog.vocabulary.questions[attribute]
    rows = [row for row, view in enumerate(views) if question.makes_sense(view)]
    truth, read = truth.take(rows), read[rows]
    if record == first:
        return Examples(read, truth.values, truth.groups)
    some, vectors = with_vectors(catalog, record.space, truth)
    there = {key: row for row, key in enumerate(truth.image_ids)}
    return Examples(vectors, some.values, some.groups, read[[there[key] for key in some.image_ids]])
