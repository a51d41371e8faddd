"""Answers, from a catalog that was filled by the real stages and the real small model."""

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.filters import hide_views
from catalog.published import PublishedCars
from catalog.table import Catalog
from embeddings.clip import ClipEncoder, load_encoder
from embeddings.registry import TINY, TRYOUT, ModelError, ModelSpec, SpaceRecord
from embeddings.tiny import TINY_WEIGHTS
from flows.answer import answer
from flows.resources import catalog_at
from flows.settings import load_settings
from search.engine import HIDDEN_VIEWS, Answer, combine, search
from search.query import QueryError, make_query

ROOT = Path(__file__).parents[2]
Stored = tuple[list[str], npt.NDArray[np.float32]]
Loader = Callable[[SpaceRecord], ClipEncoder]
VIEWS = ("view in exterior,interior,detail,not_a_car",)


def _no_encoder(record: SpaceRecord) -> ClipEncoder:
    raise AssertionError("this question needs no model")


def _ask(
    cars: PublishedCars,
    loader: Loader,
    text: str | None = None,
    image: Path | str | None = None,
    where: tuple[str, ...] = (),
    k: int = 12,
) -> Answer:
    given = None if image is None else str(image)
    return search(cars, make_query(text, given, where, k, cars.catalog.vocabulary), loader)


def _brute(
    cars: PublishedCars, stored: Stored, question: npt.NDArray[np.float32], k: int
) -> list[tuple[str, float]]:
    """The shown photos by similarity, in plain NumPy."""
    hidden = cars.rows(stored[0], ["view"])
    pairs = [
        (key, float(vector @ question))
        for key, vector in zip(*stored, strict=True)
        if hidden[key]["view"] not in HIDDEN_VIEWS
    ]
    return sorted(pairs, key=lambda pair: -pair[1])[:k]


def _agrees(answer: Answer, expected: list[tuple[str, float]]) -> None:
    assert [hit.image_id for hit in answer.hits] == [key for key, _ in expected]
    for hit, (_, similarity) in zip(answer.hits, expected, strict=True):
        assert hit.score == pytest.approx(similarity, abs=1e-4)
        assert hit.distances == {"semantic": pytest.approx(1 - similarity, abs=1e-4)}
        assert hit.found_by == ("semantic",)
    assert [hit.rank for hit in answer.hits] == list(range(1, len(expected) + 1))


def test_a_text_finds_what_brute_force_finds(
    cars: PublishedCars, loader: Loader, encoder: ClipEncoder, stored: Stored
) -> None:
    for text in ("a red car", "a white van in the mountains"):
        answer = _ask(cars, loader, text, k=7)
        _agrees(answer, _brute(cars, stored, encoder.encode_texts([text])[0], 7))
    colors = [hit.labels["color"]["value"] for hit in _ask(cars, loader, "a red car", k=5).hits]
    assert "red" in colors


def test_a_picture_that_is_not_in_the_catalog(
    cars: PublishedCars,
    loader: Loader,
    encoder: ClipEncoder,
    stored: Stored,
    new_picture: Path,
) -> None:
    question = encoder.encode_pictures([new_picture.read_bytes()])[0]
    answer = _ask(cars, loader, image=new_picture)
    _agrees(answer, _brute(cars, stored, question, 12))
    assert answer.hits[0].score < 0.9999


def test_a_photo_of_the_catalog_is_asked_for_without_a_model(
    cars: PublishedCars, stored: Stored
) -> None:
    for key in stored[0][:5]:
        answer = _ask(cars, _no_encoder, image=key, where=VIEWS)
        assert answer.hits[0].image_id == key
        assert answer.hits[0].score == pytest.approx(1, abs=1e-3)


def test_picture_and_text_with_a_filter(
    cars: PublishedCars,
    loader: Loader,
    encoder: ClipEncoder,
    stored: Stored,
    new_picture: Path,
) -> None:
    parts = [
        encoder.encode_pictures([new_picture.read_bytes()])[0],
        encoder.encode_texts(["a blue car"])[0],
    ]
    answer = _ask(cars, loader, "a blue car", new_picture)
    _agrees(answer, _brute(cars, stored, combine(parts, stored[1]), 12))
    kept = _ask(cars, loader, "a blue car", new_picture, ("color!=blue",), k=60)
    expected = [
        key
        for key, _ in _brute(cars, stored, combine(parts, stored[1]), 60)
        if cars.rows([key], ["color"])[key]["color"] not in ("blue", None)
    ]
    assert [hit.image_id for hit in kept.hits] == expected


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        (("color=red",), lambda label: label["color"]["value"] == "red"),
        (("color in red,blue",), lambda label: label["color"]["value"] in ("red", "blue")),
        (
            ("body_type!=suv", "view=exterior"),
            lambda label: (
                label["body_type"]["value"] != "suv" and label["view"]["value"] == "exterior"
            ),
        ),
        (("people=woman",), lambda label: "woman" in label["people"]["value"]),
    ],
)
def test_filters_alone_choose(
    cars: PublishedCars, where: tuple[str, ...], holds: Callable[[dict[str, Any]], bool]
) -> None:
    answer = _ask(cars, _no_encoder, where=where, k=100)
    assert answer.hits
    assert all(holds(hit.labels) for hit in answer.hits)
    assert {(hit.score, hit.found_by) for hit in answer.hits} == {(None, ("filter",))}
    assert answer.notices == ()
    assert answer.took_ms["embed"] < answer.took_ms["total"]


def test_a_filter_only_search_imports_neither_torch_nor_prefect(
    catalog: Catalog, tmp_path: Path
) -> None:
    code = (
        "import sys\n"
        "from flows.answer import answer\n"
        "from flows.resources import catalog_at\n"
        "from flows.settings import load_settings\n"
        "settings = load_settings(catalog=sys.argv[1])\n"
        "found = answer(settings, catalog_at(settings), None, None, ['color=red'], 5)\n"
        "print(len(found.hits), {'torch', 'open_clip', 'prefect'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, catalog.uri],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
    )
    count, names = done.stdout.split(maxsplit=1)
    assert int(count) > 0
    assert names.strip() == "set()"


def test_details_and_other_things_are_left_out_unless_asked_for(
    cars: PublishedCars, loader: Loader
) -> None:
    def views(answer: Answer) -> set[str]:
        return {hit.labels["view"]["value"] for hit in answer.hits}

    assert set(HIDDEN_VIEWS) <= views(_ask(cars, _no_encoder, where=VIEWS, k=100))
    assert not set(HIDDEN_VIEWS) & views(_ask(cars, _no_encoder, k=100))
    assert not set(HIDDEN_VIEWS) & views(_ask(cars, loader, "a wheel", k=100))
    assert views(_ask(cars, loader, "a wheel", where=("view=detail",), k=100)) == {"detail"}


def test_more_than_there_is(cars: PublishedCars, loader: Loader) -> None:
    shown = cars.count(hide_views(None, HIDDEN_VIEWS))
    assert len(_ask(cars, loader, "a car", k=10_000).hits) == shown
    assert len(_ask(cars, loader, where=("color=red", "color=blue")).hits) == 0


def test_the_answer_as_json(cars: PublishedCars, loader: Loader) -> None:
    answer = _ask(cars, loader, "a red car", where=("view=exterior",), k=3)
    document = json.loads(json.dumps(answer.to_dict()))
    assert set(document) == {"query", "hits", "took_ms", "notices"}
    assert document["query"] == {
        "text": "a red car",
        "image": None,
        "where": ["view=exterior"],
        "k": 3,
        "space": "semantic",
    }
    assert set(document["took_ms"]) == {"embed", "query", "total"}
    (first, *_) = document["hits"]
    asked = {"rank", "image_id", "score", "found_by", "distances", "labels"}
    asked |= {"source", "page_url", "license", "attribution"}
    assert asked <= set(first)
    assert set(first) - asked == {"source_id", "image_url", "creator", "split"}
    assert first["found_by"] == ["semantic"]
    assert set(first["distances"]) == {"semantic"}
    assert set(first["labels"]["color"]) == {"value", "origin", "confidence"}
    assert first["labels"]["color"]["origin"] == "source"
    assert all(isinstance(hit["labels"]["people"]["value"], list) for hit in document["hits"]
               if "people" in hit["labels"])  # fmt: skip


def test_what_cannot_be_asked_is_said(cars: PublishedCars, loader: Loader, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="no published photo has the id 0000"):
        _ask(cars, loader, image="0" * 64)
    page = tmp_path / "page.jpg"
    page.write_text("<html></html>")
    with pytest.raises(QueryError, match=r"page\.jpg' cannot be used: not an image"):
        _ask(cars, loader, image=page)
    page.write_bytes(b"")
    with pytest.raises(QueryError, match="empty file"):
        _ask(cars, loader, image=page)


def test_vectors_of_another_model_are_not_compared(
    cars: PublishedCars, encoder: ClipEncoder, stored: Stored
) -> None:
    class Other:
        record = dataclasses.replace(encoder.record, version="marque-tiny@other")

        def encode_texts(self, texts: object) -> Any:
            raise AssertionError("nothing is embedded with the wrong model")

        encode_pictures = encode_texts

    with pytest.raises(QueryError, match="marque-tiny@other"):
        _ask(cars, lambda record: Other(), "a car")
    assert _ask(cars, lambda record: Other(), image=stored[0][0]).hits


def test_weights_that_moved_are_found_where_the_settings_say(
    fill: Callable[..., Catalog], tmp_path: Path
) -> None:
    then, now = tmp_path / "then.safetensors", tmp_path / "now.safetensors"
    shutil.copy(TINY_WEIGHTS, then)
    place = tmp_path / "catalog"
    fill(place, tmp_path / "photos", 3, "scenes", load_encoder(ModelSpec(TINY, str(then)), "cpu"))
    shutil.move(then, now)
    load_encoder.cache_clear()
    given = {"catalog": str(place), "device": "cpu", "semantic_model": TINY}
    moved = load_settings(**given, semantic_weights=now)
    assert answer(moved, catalog_at(moved), "a car", None, (), 3).hits
    plain = load_settings(catalog=str(place))
    with pytest.raises(ModelError, match=r"then\.safetensors.*MARQUE_SEMANTIC_WEIGHTS"):
        answer(plain, catalog_at(plain), "a car", None, (), 3)


def test_the_beginning_of_an_id_is_enough(catalog: Catalog, stored: Stored) -> None:
    plain = load_settings(catalog=catalog.uri)
    found = answer(plain, catalog, None, stored[0][0][:12], VIEWS, 1)
    assert [hit.image_id for hit in found.hits] == [stored[0][0]]
    for nothing in ("~nobody_of_this_name", "x" * 5000):
        with pytest.raises(QueryError, match="there is no picture"):
            answer(plain, catalog, None, nothing, (), 1)


def test_the_small_model_says_what_it_is_for_on_photos_it_was_not_made_for(
    cars: PublishedCars, other_catalog: Catalog, loader: Loader
) -> None:
    assert _ask(cars, loader, "a car").notices == ()
    others = PublishedCars(other_catalog)
    assert _ask(others, loader, "a car").notices == (TRYOUT,)
    assert _ask(others, loader, where=("color!=red",)).notices == ()


def _unit(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 10_000), st.integers(2, 64))
def test_one_part_is_the_question_itself(seed: int, size: int) -> None:
    draw = np.random.default_rng(seed)
    part, sample = _unit(draw.standard_normal(size)), _unit(draw.standard_normal((20, size)))
    assert np.allclose(combine([part], sample), part, atol=1e-5)
    assert np.allclose(combine([part, part], sample), part, atol=1e-5)
    assert np.allclose(combine([part, part], sample[:0]), part, atol=1e-5)


@given(st.integers(0, 10_000))
def test_each_part_has_its_say_however_far_its_similarities_spread(seed: int) -> None:
    """Photos have a picture side (wide spread) and a text side (a twentieth of it): the best
    answers to both together are among the upper half for each."""
    draw = np.random.default_rng(seed)
    looks, words = draw.standard_normal((400, 1)), 0.05 * draw.standard_normal((400, 1))
    photos = _unit(np.hstack([looks, words, np.full((400, 1), 2.0)]))
    picture, text = _unit(np.array([1.0, 0, 0])), _unit(np.array([0, 1.0, 0]))
    order = np.argsort(-(photos @ combine([picture, text], photos)))[:10]
    for part in (picture, text):
        similarity = photos @ part
        assert np.mean(similarity[order]) > np.median(similarity)
    plain = np.argsort(-(photos @ _unit(picture + text)))[:10]
    by_words = photos @ text
    assert np.mean(by_words[order]) > np.mean(by_words[plain])
