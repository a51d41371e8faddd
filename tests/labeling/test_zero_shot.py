from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.vocabulary import Vocabulary, load_vocabulary
from embeddings.clip import ClipEncoder
from labeling.linear import Answers, Array, Classifier, answers
from labeling.zero_shot import asked, fingerprint, make_classifiers, sentence
from synthetic.scenes import BACKGROUNDS, SCENE_COLORS
from tests.labeling.scening import Seen, see_scenes, share_right, truth_of

VOCABULARY = load_vocabulary()
Users = Callable[[str], Vocabulary]


def made(encoder: ClipEncoder, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Classifier]:
    return {each.attribute: each for each in make_classifiers(encoder, vocabulary)}


def answered(classifier: Classifier, seen: Seen) -> Answers:
    scores = classifier.scores(seen.vectors)
    return answers(scores, classifier.values, 1.0, many=classifier.many)


def unit(vector: Array) -> Array:
    return vector / np.linalg.norm(vector)


@pytest.fixture
def users(tmp_path: Path) -> Users:
    """The vocabulary with what a user's file adds to it."""

    def load(text: str) -> Vocabulary:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.toml"
        path.write_text(text, encoding="utf-8")
        return load_vocabulary(path)

    return load


def test_the_sentences_about_a_value_are_averaged_on_the_sphere(tiny_encoder: ClipEncoder) -> None:
    color = made(tiny_encoder)["color"]
    texts = [
        "a photo of a grey car", "a photo of a gray car", "a grey car", "a gray car", "grey car",
        "gray car",
    ]  # fmt: skip
    by_hand = unit(np.mean([tiny_encoder.encode_texts([text])[0] for text in texts], axis=0))
    row = color.weight[color.values.index("grey")]
    assert np.allclose(row, by_hand * tiny_encoder.scale, atol=1e-4)
    assert np.allclose(np.linalg.norm(color.weight, axis=1), tiny_encoder.scale, rtol=1e-5)
    assert color.values == VOCABULARY.attributes["color"].values
    assert not color.bias.any()


def test_of_several_values_each_is_weighed_against_its_absence(tiny_encoder: ClipEncoder) -> None:
    people = made(tiny_encoder)["people"]

    def mean(*texts: str) -> Array:
        return unit(tiny_encoder.encode_texts(texts).mean(axis=0))

    there = mean("a photo with a man", "a car with a man", "a photo of a man")
    absent = mean("a photo without a man", "a car without a man", "a photo with no man")
    assert people.many
    by_hand = (there - absent) * tiny_encoder.scale
    assert np.allclose(people.weight[people.values.index("man")], by_hand, atol=1e-4)


@pytest.mark.parametrize(
    ("template", "phrase", "text"),
    [
        ("a photo of a {}", "estate car", "a photo of an estate car"),
        ("a {} car", "orange", "an orange car"),
        ("a {} car", "blue", "a blue car"),
        ("a {}", "SUV", "a SUV"),
        ("a photo of a {}", "Audi", "a photo of an Audi"),
        ("{}", "the interior of a car", "the interior of a car"),
        ("a photo without a {}", "old person", "a photo without an old person"),
        ("a car {}", "on a highway", "a car on a highway"),
        ("a", "", "a"),
    ],
)
def test_an_article_fits_what_follows(template: str, phrase: str, text: str) -> None:
    assert sentence(template, phrase) == text


@given(st.sampled_from(["a photo of a {}", "a {} car"]), st.text("abcdeiou -", min_size=1))
def test_no_sentence_says_a_before_a_vowel(template: str, phrase: str) -> None:
    words = sentence(template, phrase).split()
    assert not any(first == "a" and second[0] in "aeiou" for first, second in pairwise(words))
    assert [w for w in words if w not in ("a", "an")] == [
        w for w in template.format(phrase).split() if w not in ("a", "an")
    ]


def test_a_tryout_model_is_asked_no_open_attribute(tiny_encoder: ClipEncoder) -> None:
    closed = {name for name, _ in asked(VOCABULARY, open_too=False)}
    assert set(made(tiny_encoder)) == closed
    assert closed == {"body_type", "color", "background", "view", "people", "age"}
    assert {name for name, _ in asked(VOCABULARY, open_too=True)} - closed == {"make"}


def test_what_is_never_proposed_is_no_answer(tiny_encoder: ClipEncoder) -> None:
    found = made(tiny_encoder)
    assert "other" in VOCABULARY.attributes["body_type"].values
    assert "other" not in {*found["body_type"].values, *found["background"].values}


def test_zero_shot_knows_scenes_that_it_never_saw(tiny_encoder: ClipEncoder) -> None:
    seen = see_scenes(tiny_encoder, range(31_000, 31_070))
    found = made(tiny_encoder)
    for name in ("color", "view", "background"):
        said = answered(found[name], seen).values
        assert share_right(said, [truth_of(each, name) for each in seen.labels]) > 0.9, name


def test_a_users_attribute_is_asked_and_known(
    tiny_encoder: ClipEncoder, seen: Seen, users: Users
) -> None:
    """Water and houses are words that marque-tiny learned, under another name."""
    more = users(
        """
        [attributes.place]
        kind = "closed"
        views = ["exterior"]
        [attributes.place.words]
        seaside = []
        town = []
        [attributes.place.prompts]
        seaside = ["by the sea"]
        town = ["in the city"]
        """
    )
    place = made(tiny_encoder, more)["place"]
    assert fingerprint(more, tiny_encoder.record) != fingerprint(VOCABULARY, tiny_encoder.record)
    names = {"sea": ("seaside",), "city": ("town",)}
    truth = [names.get(labels.background or "") for labels in seen.labels]
    assert share_right(answered(place, seen).values, truth) > 0.9


def test_a_users_value_is_proposed(tiny_encoder: ClipEncoder, seen: Seen, users: Users) -> None:
    more = users('[attributes.background.words]\n"at the seaside" = []')
    assert "at the seaside" in made(tiny_encoder, more)["background"].values
    before = fingerprint(VOCABULARY, tiny_encoder.record)
    assert fingerprint(more, tiny_encoder.record) != before
    said = answered(made(tiny_encoder, more)["background"], seen).values
    shown = [labels.background == "sea" for labels in seen.labels]
    at_sea = [value in {("sea",), ("at the seaside",)} for value in said]
    assert sum(a for a, b in zip(at_sea, shown, strict=True) if b) > 0.9 * sum(shown)


def test_a_users_prompt_changes_what_is_asked(tiny_encoder: ClipEncoder, users: Users) -> None:
    more = users('[attributes.color.prompts]\nviolet = ["lilac"]')
    old, new = made(tiny_encoder)["color"], made(tiny_encoder, more)["color"]
    changed = {
        value
        for at, value in enumerate(old.values)
        if not np.allclose(old.weight[at], new.weight[at], atol=1e-5)
    }
    assert changed == {"violet"}
    assert fingerprint(more, tiny_encoder.record) != fingerprint(VOCABULARY, tiny_encoder.record)


def test_a_users_template_changes_what_is_asked(tiny_encoder: ClipEncoder, users: Users) -> None:
    more = users('[attributes.color]\ntemplates = ["a vehicle painted {}"]')
    assert fingerprint(more, tiny_encoder.record) != fingerprint(VOCABULARY, tiny_encoder.record)


def test_another_word_for_a_value_changes_no_question(
    tiny_encoder: ClipEncoder, users: Users
) -> None:
    more = users('[attributes.color.words]\nred = ["ruby", "scarlet"]')
    assert more.version != VOCABULARY.version
    assert fingerprint(more, tiny_encoder.record) == fingerprint(VOCABULARY, tiny_encoder.record)


def test_another_model_is_asked_anew(tiny_encoder: ClipEncoder) -> None:
    other = replace(tiny_encoder.record, version="another@1")
    assert fingerprint(VOCABULARY, other) != fingerprint(VOCABULARY, tiny_encoder.record)


def test_the_scenes_have_all_that_the_vocabulary_asks_about_them() -> None:
    """Else the accuracies above would be those of the easy values."""
    assert set(SCENE_COLORS) <= set(VOCABULARY.attributes["color"].values)
    assert set(BACKGROUNDS) <= set(VOCABULARY.attributes["background"].values)
