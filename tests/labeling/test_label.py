import io
from collections.abc import Callable

import pytest
from PIL import Image

from catalog.register import register
from catalog.table import Catalog
from core.assertions import Label
from core.photos.decode import image_id
from core.records import Photo, Sighting
from labeling.label import (
    LabelCounts,
    add_assertions,
    current_labels,
    label_sightings,
    load_assertions,
    store_assertions,
)
from labeling.pending import unlabeled_sightings


def content(seed: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (seed % 256, seed // 256, 7)).save(out, "PNG")
    return out.getvalue()


See = Callable[..., str]


@pytest.fixture
def see(catalog: Catalog) -> See:
    """Register photo `seed` at `place` with these words; its id."""

    def register_one(seed: int, place: str = "a", **words: str) -> str:
        photo = Photo(Sighting("shop", place, words), content(seed))
        register(catalog, [photo], run_id="r")
        return image_id(content(seed))

    return register_one


def label(catalog: Catalog) -> LabelCounts:
    return label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")


def colors(catalog: Catalog, key: str) -> tuple[str, ...]:
    return current_labels(catalog, [key])[key].get("color", Label((), "nobody", None)).values


def test_words_become_labels_and_unknown_words_are_counted(catalog: Catalog, see: See) -> None:
    key = see(1, color="rot", body_type="spaceship", doors="5", model_year="2012")
    see(2, "b", body_type="spaceship")
    done = label(catalog)
    assert done.sightings == 2
    assert done.assertions == {"color": 1, "model_year": 1}
    assert done.unknown == {"body_type: spaceship": 2}
    assert current_labels(catalog, [key]) == {
        key: {
            "color": Label(("red",), "source", None),
            "model_year": Label(("2012",), "source", None),
        }
    }
    assert unlabeled_sightings(catalog) == []


def test_nothing_to_label_is_no_error(catalog: Catalog) -> None:
    done = label_sightings(catalog, [], run_id="r")
    assert (done.sightings, done.assertions, done.unknown) == (0, {}, {})
    assert store_assertions(catalog, [], run_id="r") == 0
    assert load_assertions(catalog, []) == current_labels(catalog, []) == {}
    assert current_labels(catalog, ["nobody"]) == {"nobody": {}}


def test_reading_again_adds_nothing(catalog: Catalog, see: See) -> None:
    see(1, color="red")
    ids = unlabeled_sightings(catalog)
    for _ in range(3):
        label_sightings(catalog, ids, run_id="r")
    assert catalog.count("assertions") == 1


def test_words_that_change_while_they_are_read_stay_unread(
    catalog: Catalog, see: See, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = see(1, color="red")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(
            "labeling.label.add_assertions",
            lambda *given, run_id: (
                add_assertions(*given, run_id=run_id) + [see(1, color="blue")][:0]
            ),
        )
        label(catalog)
    assert len(unlabeled_sightings(catalog)) == 1
    label(catalog)
    assert (colors(catalog, key), unlabeled_sightings(catalog)) == (("blue",), [])


def test_statements_come_back_as_they_were_stored(catalog: Catalog, see: See) -> None:
    key = see(1, body_type="4x4", people="none")
    label(catalog)
    found = load_assertions(catalog, [key, key])[key]
    assert {(a.attribute, a.values, a.one_of) for a in found} == {
        ("body_type", ("suv", "crossover", "pickup"), True), ("people", (), False),
    }  # fmt: skip
    assert all(a.created_at.utcoffset() is not None for a in found)
    assert store_assertions(catalog, found, run_id="other") == 0


def test_what_a_place_no_longer_says_is_no_label(catalog: Catalog, see: See) -> None:
    key = see(1, color="red")
    label(catalog)
    see(1, color="a word that nobody knows")
    assert colors(catalog, key) == ("red",)  # until the new words are read
    label(catalog)
    assert colors(catalog, key) == ()
    see(1, color="red")
    label(catalog)
    assert colors(catalog, key) == ("red",)


def test_what_a_place_said_of_another_photo_is_no_label(catalog: Catalog, see: See) -> None:
    first = see(1, color="red")
    label(catalog)
    second = see(2, color="blue")
    label(catalog)
    assert (colors(catalog, first), colors(catalog, second)) == ((), ("blue",))
    assert catalog.count("assertions") == 2


def test_two_places_agree_or_contradict_each_other(catalog: Catalog, see: See) -> None:
    key = see(1, "a", color="red")
    see(1, "b", color="rouge")
    label(catalog)
    assert colors(catalog, key) == ("red",)
    see(1, "c", color="blue")
    see(1, "d", color="blue")
    label(catalog)
    assert colors(catalog, key) == ()


def test_more_sightings_than_one_query_takes(catalog: Catalog) -> None:
    photos = [
        Photo(Sighting("shop", f"place {at}", {"color": "red"}), content(at % 3))
        for at in range(1200)
    ]
    register(catalog, photos, run_id="r")
    done = label(catalog)
    assert (done.sightings, catalog.count("assertions")) == (1200, 1200)
    total = LabelCounts()
    total.add(done)
    total.add(done)
    assert (total.sightings, total.assertions["color"]) == (2400, 2400)
    ids = [image_id(content(at)) for at in range(3)]
    assert {len(found) for found in load_assertions(catalog, ids).values()} == {400}
    assert unlabeled_sightings(catalog) == []
