"""Questions that are asked in good faith and cannot be answered as they are: that is said."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.published import PublishedCars
from core.photos import files as photo_files
from core.photos.decode import RejectedError
from core.photos.files import FILE_TOO_LARGE, MAX_BYTES
from core.vocabulary import load_vocabulary
from embeddings.clip import ClipEncoder
from embeddings.registry import SpaceRecord
from search.engine import Answer, search
from search.query import Query, QueryError, make_query
from search.sheet_content import answer_sheet

VOCABULARY = load_vocabulary()
Loader = Callable[[SpaceRecord], ClipEncoder]
LONG = "a red convertible by the sea, seen from the side, with its roof open, " * 9


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """As large as no photo is, and of no bytes on the disk."""
    path = tmp_path / "film.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    return path


@pytest.mark.parametrize("size", [10, 1_001])
def test_what_comes_from_a_pipe_is_read_no_further_than_a_photo_goes(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """As of `--image <(curl ...)`, or of a device, which has no end."""
    monkeypatch.setattr(photo_files, "MAX_BYTES", 1_000)
    reading, writing = os.pipe()
    os.write(writing, b"x" * size)
    os.close(writing)
    try:
        if size < 1_000:
            assert photo_files.read_photo(Path(f"/dev/fd/{reading}")) == b"x" * size
        else:
            with pytest.raises(RejectedError, match="no photo is that large"):
                photo_files.read_photo(Path(f"/dev/fd/{reading}"))
    finally:
        os.close(reading)


@pytest.mark.parametrize(
    "text", ["\0", "\u202e", "\u200b \u200b", "\ufeff", "\u2066\u2069", "\N{SOFT HYPHEN}"]
)
def test_a_text_that_nobody_sees_is_empty(text: str) -> None:
    with pytest.raises(QueryError, match="text is empty"):
        make_query(text, None, [], 1, VOCABULARY)


@pytest.mark.parametrize("text", ["voiture cass\udce9e", "\ud83d car"])
def test_bytes_of_another_encoding_are_no_question(text: str) -> None:
    with pytest.raises(QueryError, match="not text in UTF-8") as error:
        make_query(text, None, [], 1, VOCABULARY)
    str(error.value).encode()  # a terminal can show it


@pytest.mark.parametrize("text", ["красная машина", "赤い車", "\N{AUTOMOBILE}", "سيارة", "!!!"])
def test_words_of_any_alphabet_are_asked_whole(
    cars: PublishedCars, loader: Loader, text: str
) -> None:
    answer = _ask(cars, loader, text)
    assert (len(answer.hits), answer.notices) == (3, ())


def _ask(cars: PublishedCars, loader: Loader, text: str) -> Answer:
    return search(cars, make_query(text, None, [], 3, VOCABULARY), loader)


def test_a_text_that_the_model_reads_in_part_is_told(
    cars: PublishedCars, loader: Loader, encoder: ClipEncoder
) -> None:
    answer = _ask(cars, loader, LONG)
    read = encoder.part_read(LONG.strip())
    assert 20 < len(read) < len(LONG) / 2
    (notice,) = answer.notices
    assert repr(read[-40:]) in notice
    same = _ask(cars, loader, read)
    assert [hit.image_id for hit in same.hits] == [hit.image_id for hit in answer.hits]
    assert same.notices == ()


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(LONG.split())).map(" ".join)))
def test_what_is_read_says_the_same_and_no_less_would(tiny_encoder: ClipEncoder, text: str) -> None:
    tokens = tiny_encoder._tokens
    read = tiny_encoder.part_read(text)
    assert text.startswith(read)
    assert tokens(read) == tokens(text)
    if read != text:
        assert tokens(read[:-1]) != tokens(text)


def test_a_film_in_place_of_a_picture_is_not_read(
    cars: PublishedCars, loader: Loader, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(path: Path) -> bytes:
        raise AssertionError(path)

    monkeypatch.setattr(Path, "read_bytes", never)
    with pytest.raises(QueryError, match=FILE_TOO_LARGE):
        search(cars, make_query(None, str(film), [], 1, VOCABULARY), loader)
    nothing = Answer(Query(image=film), (), {"total": 0.0})
    assert answer_sheet(cars.catalog, nothing).asked is None
