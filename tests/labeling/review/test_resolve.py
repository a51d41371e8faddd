"""What people's words mean, whom and which photo they name, and when: pure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.vocabulary import VocabularyFile, load_vocabulary
from labeling.review.cases import spoken
from labeling.review.moments import read_moment
from labeling.review.resolve import PhotoIds, Statement, resolve, settle
from labeling.review.returned import LineProblem, RawAnswer

VOCABULARY = load_vocabulary()
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = "abcdef" + "0" * 58
IDS = PhotoIds([KEY, "abcd00" + "1" * 58, "abcd00" + "2" * 58])


def answer(attribute: str, *words: str, key: str = KEY, by: str = "ann", at: str = "") -> RawAnswer:
    return RawAnswer("line 2", key, attribute, words, by, at)


def resolved(*answers: RawAnswer) -> tuple[list[Statement], list[LineProblem]]:
    return resolve(answers, VOCABULARY, IDS, NOW)


def fault(one: RawAnswer) -> LineProblem:
    found, (line,) = resolved(one)
    assert (found, line.kept) == ([], False)
    return line


@pytest.mark.parametrize(
    ("attribute", "words", "values", "one_of"),
    [
        ("color", ["red"], ("red",), False),
        ("color", ["Weiß"], ("white",), False),
        ("Color ", ["RED"], ("red",), False),
        ("color", ["red", "rot"], ("red",), False),
        ("body_type", ["Cabrio"], ("convertible",), False),
        ("people", ["none"], (), False),
        ("people", ["niemand"], (), False),
        ("age", ["none"], (), False),
        ("people", ["man; woman"], ("man", "woman"), False),
        ("people", ["woman", "man"], ("man", "woman"), False),
        ("model_year", ["2012"], ("2012",), False),
        ("make", ["mercedes"], ("Mercedes-Benz",), False),
        ("make", ["A New Maker"], ("A New Maker",), False),
        *((name, [word], (), True) for name in ("color", "people", "make", "model_year")
          for word in ("?", "cannot tell", "Cannot Tell", "can't tell", "unknown", "n/a")),
    ],
)  # fmt: skip
def test_words_are_read_with_the_vocabulary(
    attribute: str, words: list[str], values: tuple[str, ...], one_of: bool
) -> None:
    (found,), lines = resolved(answer(attribute, *words))
    assert (found.values, found.one_of, lines) == (values, one_of, [])
    assert found.attribute == attribute.strip().lower()


def test_none_is_nobody_also_where_a_vocabulary_forgot_to_say_so() -> None:
    parsed = VocabularyFile.model_validate(
        {"nothing": ["none"],
         "attributes": {"extras": {"kind": "closed", "many": True, "words": {"roof rack": []}}}}
    )  # fmt: skip
    vocabulary = type(VOCABULARY)(parsed)
    (found,), _ = resolve([answer("extras", "none")], vocabulary, IDS, NOW)
    assert (found.values, found.one_of) == ((), False)


@pytest.mark.parametrize(
    ("one", "what", "do"),
    [
        (answer("colour", "red"), "no attribute 'colour'", "did you mean color?"),
        (answer("", "red"), "no attribute ''", "there are: make"),
        (
            answer("color", "spaceship"),
            "color: 'spaceship' is not one of its values",
            "black, white",
        ),
        (answer("color", "reed"), "'reed' is not one of its values", "did you mean red?"),
        (answer("people", "dog"), "'dog' is not one of its values", "man, woman, child, none, ?"),
        (answer("model_year", "soon"), "'soon' is not one of its values", "a whole number from"),
        (answer("model_year", "1066"), "'1066' is not one of its values", "a whole number from"),
        (answer("color", "red", "blue"), "cannot be 'red' and 'blue' at once", "leave one"),
        (answer("people", "none", "man"), "'none' and 'man' at once", "leave one"),
        (answer("people", "cannot tell", "man"), "at once", "leave one"),
        (answer("color", "red", key="abcd"), "'abcd' is not an image id", "from the export"),
        (answer("color", "red", key="1.2E+34"), "is not an image id", "from the export"),
        (answer("color", "red", key=""), "'' is not an image id", "from the export"),
        (answer("color", "red", key="fedcba"), "0 photos", "from the export"),
        (answer("color", "red", key="abcd00"), "2 photos", "from the export"),
        (answer("color", "red", key=KEY + "0"), "is not an image id", "from the export"),
        (answer("color", "red", by=" "), "nobody is named", "--by NAME"),
        (answer("color", "red", at="yesterday"), "'yesterday' is not a time", "2026-11-20"),
        (answer("color", "red", at="11/12/2026"), "is not a time", "2026-11-20"),
        (answer("color", "red", at="2026-02-30"), "is not a time", "2026-11-20"),
        (answer("color", "red", at="0001-01-01T00:00+23:00"), "is not a time", "2026-11-20"),
        (answer("color", "red", at="2027-01-01"), "lies ahead", "2026-11-20"),
        (answer("color", "red", at="31.2.2026"), "'31.2.2026' is not a time", "2026-11-20"),
        (answer("color", "red", at="1.13.2026 10:00"), "'1.13.2026 10:00' is no", "2026-11-20"),
        (answer("color", "red", at="0026-11-20"), "'0026-11-20' lies before", "2026-11-20"),
        (answer("color", "red", at="31.12.1999"), "'31.12.1999' lies before", "2026-11-20"),
        (answer("color", "re\x00d"), "color: 're\\x00d' has characters", "again"),
        (answer("people", "man; wo\x07man"), "has characters that nobody sees", "again"),
        (answer("color", "\x00?"), "has characters that nobody sees", "again"),
        (answer("make", "Ki\x00a"), "make: 'Ki\\x00a' has characters", "again"),
        (answer("make", "New\u202eMaker"), "make: 'New\\u202eMaker' has", "without them"),
        (answer("make", "New\u200bMaker"), "has characters that nobody sees", "without them"),
        (answer("make", "x" * 201), "has 201 characters", "at most 200"),
        (answer("color", "red", by="an\x1bn"), "by: 'an\\x1bn' has characters", "without them"),
        (answer("color", "red", by="ann\u202e"), "by: 'ann\\u202e' has", "without them"),
        (answer("color", "red", by="a" * 5_000), "has 5,000 characters", "at most 200"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(one: RawAnswer, what: str, do: str) -> None:
    line = fault(one)
    assert what in line.what
    assert do in line.do


def test_long_names_of_any_alphabet_are_kept() -> None:
    (found,), lines = resolved(answer("make", "Ш" * 200, by="José Ångström 李"))
    assert (found.values, found.by, lines) == (("Ш" * 200,), "José Ångström 李", [])


def test_a_fault_costs_no_other_answer() -> None:
    found, lines = resolved(answer("colour", "red"), answer("color", "red"), answer("color", "x"))
    assert (len(found), len(lines)) == (1, 2)


@pytest.mark.parametrize("prefix", [KEY, KEY[:6], KEY[:20].upper(), f" {KEY[:9]} "])
def test_first_digits_are_enough_where_one_photo_has_them(prefix: str) -> None:
    assert resolved(answer("color", "red", key=prefix))[0][0].image_id == KEY


def test_no_photo_at_all() -> None:
    with pytest.raises(ValueError, match="0 photos"):
        PhotoIds([]).find("abcdef")


def test_a_word_that_leaves_it_open_is_kept_and_told() -> None:
    (found,), (line,) = resolved(answer("color", "turquoise"))
    assert (found.values, found.one_of, line.kept) == (("blue", "green"), True, True)
    assert line.what == "color: 'turquoise' can be blue or green"


@pytest.mark.parametrize(
    ("text", "at", "spelling"),
    [
        ("2026-11-02T10:00:00Z", datetime(2026, 11, 2, 10, tzinfo=UTC),
         "2026-11-02T10:00:00+00:00"),
        ("2026-11-02T11:00:00+01:00", datetime(2026, 11, 2, 10, tzinfo=UTC),
         "2026-11-02T10:00:00+00:00"),
        ("2026-11-02 10:00", datetime(2026, 11, 2, 10, tzinfo=UTC), "2026-11-02T10:00:00+00:00"),
        ("2.11.2026 10:00", datetime(2026, 11, 2, 10, tzinfo=UTC), "2026-11-02T10:00:00+00:00"),
        ("2026-11-02", datetime(2026, 11, 3, tzinfo=UTC) - timedelta(microseconds=1), "2026-11-02"),
        ("02.11.2026", datetime(2026, 11, 3, tzinfo=UTC) - timedelta(microseconds=1), "2026-11-02"),
        ("2026-11-20", NOW, "2026-11-20"),
        ("2026-11-20T14:00:00", NOW, "2026-11-20T14:00:00+00:00"),  # local time, ahead of UTC
    ],
)  # fmt: skip
def test_times_as_people_and_spreadsheets_write_them(
    text: str, at: datetime, spelling: str
) -> None:
    assert read_moment(text, NOW) == (at, spelling)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2026, 11, 19)))
def test_every_spelling_of_a_time_is_read_alike(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    written = [moment.isoformat(), moment.isoformat(" "), f"{moment:%d.%m.%Y %H:%M:%S}"]
    assert len({read_moment(text, NOW) for text in written}) == 1
    assert read_moment(written[0], NOW)[0] == moment.replace(tzinfo=UTC)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading_of_times(text: str) -> None:
    try:
        at, _ = read_moment(text, NOW)
    except ValueError:
        return
    assert at <= NOW


# One file


def test_one_person_who_says_two_things_is_taken_at_neither() -> None:
    found, _ = resolved(
        RawAnswer("line 2", KEY, "color", ("red",), "ann", ""),
        RawAnswer("line 3", KEY, "color", ("blue",), "ann", "2026-11-02"),
        RawAnswer("line 4", KEY, "view", ("detail",), "ann", ""),
        RawAnswer("line 5", KEY, "color", ("red",), "bob", ""),
    )
    standing, lines, twice = settle(found)
    assert [each.where for each in standing] == ["line 4", "line 5"]
    assert [(line.where, line.kept) for line in lines] == [("line 2", False), ("line 3", False)]
    assert lines[0].what == "color: ann says red here and blue in line 3"
    assert twice == 0


def test_the_same_said_twice_counts_once_with_the_later_time() -> None:
    found, _ = resolved(
        answer("color", "red", at="2026-11-02"), answer("color", "rot", at="2026-11-05"),
        answer("color", "rouge", at="2026-11-03"),
    )  # fmt: skip
    (one,), lines, twice = settle(found)
    assert (one.said_at, lines, twice) == ("2026-11-05", [], 2)


def test_values_are_spoken_as_they_are_read() -> None:
    for name, attribute in VOCABULARY.attributes.items():
        for value in attribute.values:
            (found,), _ = resolved(answer(name, spoken((value,))))
            assert found.values == (value,)
        if attribute.many:
            for values in ((), attribute.values):
                (found,), _ = resolved(answer(name, spoken(values)))
                assert found.values == values
