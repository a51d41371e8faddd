"""Questions are checked before anything is loaded."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.filters import FilterError
from core.vocabulary import load_vocabulary
from search.query import MAX_K, QueryError, make_query

VOCABULARY = load_vocabulary()
ID = "0123456789abcdef" * 4


def test_a_question_says_what_it_asks(tmp_path: Path) -> None:
    picture = tmp_path / "my car.jpg"
    picture.write_bytes(b"x")
    query = make_query(" red ", str(picture), ["body_type=suv"], 3, VOCABULARY)
    assert (query.text, query.image, query.image_id, query.k) == ("red", picture, None, 3)
    assert query.to_dict() == {
        "text": "red",
        "image": str(picture),
        "where": ["body_type=suv"],
        "k": 3,
        "space": "semantic",
    }
    assert str(query) == '"red", like my car.jpg, body_type=suv'
    assert str(make_query(None, None, [], 3, VOCABULARY)) == "everything"


def test_an_id_is_not_taken_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = make_query(None, ID, [], 1, VOCABULARY)
    assert (query.image, query.image_id) == (None, ID)
    assert query.to_dict()["image"] == ID
    monkeypatch.chdir(tmp_path)
    Path(ID).write_bytes(b"x")
    assert make_query(None, ID, [], 1, VOCABULARY).image == Path(ID)


@pytest.mark.parametrize("k", [0, -1, MAX_K + 1])
def test_k_has_bounds(k: int) -> None:
    with pytest.raises(QueryError, match=f"k is {k}"):
        make_query("car", None, [], k, VOCABULARY)


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_text_is_no_question(text: str) -> None:
    with pytest.raises(QueryError, match="text is empty"):
        make_query(text, None, [], 1, VOCABULARY)


@pytest.mark.parametrize(
    "image", ["", ".", "nowhere.jpg", "~no_such_user_here/a.jpg", "x" * 5000, "a\0b", ID[:-1]]
)
def test_a_picture_that_is_not_there_is_said(image: str) -> None:
    with pytest.raises(QueryError, match="there is no picture") as error:
        make_query(None, image, [], 1, VOCABULARY)
    assert len(str(error.value)) < 400


def test_a_filter_that_cannot_be_read_is_said() -> None:
    with pytest.raises(FilterError, match="body_typ"):
        make_query("car", None, ["body_typ=suv"], 1, VOCABULARY)


@given(st.text(), st.one_of(st.none(), st.text()))
def test_any_words_are_a_question_or_a_query_error(text: str, image: str | None) -> None:
    try:
        query = make_query(text, image, [], 1, VOCABULARY)
    except QueryError:
        return
    assert query.text == text.strip()
