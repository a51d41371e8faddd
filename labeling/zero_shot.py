"""Zero-shot: the questions of the vocabulary become classifiers, by a model's own text encoder.

The sentences about one value are averaged on the unit sphere (a prompt ensemble: Radford et al.
2021, "Learning Transferable Visual Models From Natural Language Supervision", section 3.1.4).
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from core.vocabulary import Question, Vocabulary
from embeddings.registry import SpaceRecord
from labeling.linear import Array, Classifier

ZERO_SHOT = "zero-shot"

# Part of the version: raise it when the same questions give other classifiers than before.
_RULES = 1


class TextEncoder(Protocol):
    """The part of a model that zero-shot uses."""

    record: SpaceRecord

    def encode_texts(self, texts: Sequence[str]) -> Array:
        """n texts -> unit vectors (n, size)."""
        ...

    @property
    def scale(self) -> float:
        """The factor from cosines to the scores that the model was trained with."""
        ...


def asked(vocabulary: Vocabulary, *, open_too: bool) -> Iterator[tuple[str, Question]]:
    """The attributes that networks are asked: the closed, and with `open_too` the open ones."""
    for name, attribute in vocabulary.attributes.items():
        question = vocabulary.questions[name]
        wanted = attribute.kind == "closed" or (open_too and attribute.kind == "open")
        if wanted and question.templates and len(question.phrases) + attribute.many > 1:
            yield name, question


def fingerprint(vocabulary: Vocabulary, record: SpaceRecord) -> str:
    """Twelve hex digits that change when the classifiers may change."""
    questions = {
        name: [question.templates, question.without, question.phrases]
        for name, question in asked(vocabulary, open_too=not record.is_tryout)
    }
    content = json.dumps([_RULES, record.version, questions], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def make_classifiers(encoder: TextEncoder, vocabulary: Vocabulary) -> list[Classifier]:
    """A classifier for each attribute that is asked.

    A try-out model is asked about closed attributes only, as it knows no makes.
    """
    made = []
    for name, question in asked(vocabulary, open_too=not encoder.record.is_tryout):
        many, values = vocabulary.attributes[name].many, tuple(question.phrases)
        weight = _ensembles(encoder, question.templates, question)
        if many:
            weight = weight - _ensembles(encoder, question.without, question)
        scaled = np.asarray(weight * encoder.scale, np.float32)
        made.append(Classifier(name, values, many, scaled, np.zeros(len(values), np.float32)))
    return made


def _ensembles(encoder: TextEncoder, templates: Sequence[str], question: Question) -> Array:
    """The mean of the sentences of each value, as unit vectors (values, size)."""
    texts = [
        [sentence(template, phrase) for template in templates for phrase in phrases]
        for phrases in question.phrases.values()
    ]
    vectors = encoder.encode_texts([text for some in texts for text in some])
    ends = np.cumsum([len(some) for some in texts])[:-1]
    means = np.stack([part.mean(axis=0) for part in np.split(vectors, ends)])
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def sentence(template: str, phrase: str) -> str:
    """The phrase in its template, with "an" for an "a" before a vowel."""
    words = template.replace("{}", phrase).split()
    for at, word in enumerate(words[:-1]):
        if word == "a" and words[at + 1][:1].lower() in "aeiou":
            words[at] = "an"
    return " ".join(words)
