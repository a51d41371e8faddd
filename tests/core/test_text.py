"""Characters that nobody sees: gone from what is read, and written out where a text is shown."""

import json
import subprocess
import unicodedata
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.records import LONGEST_WORD, Drop, Listing, Notice, Sighting
from core.text import clean, shell_word, visible, visible_json, visible_lines, web_url

ANY = st.text(st.characters())  # halves of characters too
ODD = ANY | st.text(
    "a\u0915\u2764 \t\n\x1b\x9b\u200c\u200d\ufe0f\U000e0100\u202e\u2066\ud83d\udcff"
)
KEPT_FORMATS = {"\u200c", "\u200d", "\u180e"}

HOSTILE = {
    "link": "\x1b]8;;https://evil.example\x07Ford\x1b]8;;\x07",
    "clipboard": "Ford\x1b]52;c;Y3VybCBldmls\x07",
    "color": "\x1b[31mFord\x1b[0m",
    "8-bit": "\x9b2JFord\x9d0;title\x9c",
    "order": "\u202edroF\u202c \u2066x\u2069",
    "unseen": "Fo\u200brd\ufeff\u00ad\u2060\U000e0041",
    "nul": "Ford\x00\x7f\x08\x08",
    "lines": "Ford\r\nError: gone\u2028\u2029\x85",
    "half": "Ford\ud83d",
}


def is_harmless(text: str) -> bool:
    """Whether a text of one line can neither move anything nor hide anything."""
    for char in text:
        kind = unicodedata.category(char)
        if kind in {"Cc", "Cs", "Zl", "Zp"} or char in "\u2028\u2029\ufeff":
            return False
        # Signs of numbers and verses in Arabic, Kaithi and Egyptian are of kind Cf, and seen.
        is_sign = ("\u0600" <= char <= "\u08ff" and char != "\u061c") or char >= "\U000110bd"
        is_tag = char >= "\U0001bca0"
        if kind == "Cf" and char not in KEPT_FORMATS and (not is_sign or is_tag):
            return False
    return True


@example("".join(HOSTILE.values()))
@given(ODD)
def test_what_is_read_is_one_line_of_what_is_seen(text: str) -> None:
    cleaned = clean(text)
    assert is_harmless(cleaned)
    assert clean(cleaned) == cleaned
    assert visible(cleaned) == cleaned
    cleaned.encode()


@example("".join(HOSTILE.values()))
@given(ODD)
def test_what_is_shown_is_one_line_of_what_is_seen(text: str) -> None:
    shown = visible(text)
    assert is_harmless(shown)
    assert visible(shown) == shown
    if clean(text) == text:
        assert shown == text
    assert visible_lines(text).split("\n") == [visible(line) for line in text.split("\n")]


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_letters_signs_and_blanks_stay(text: str) -> None:
    unseen = "\u115f\u1160\u3164\uffa0"  # letters by name, and blank
    kept = "".join(char for char in text if char not in unseen)
    assert clean(kept) == kept or clean(kept) == kept.strip()
    assert visible(kept) == kept


@pytest.mark.parametrize(
    "text",
    ["نمی‌خواهم", "क्‍ष", "ශ්‍රී", "❤️‍🔥", "👩🏽‍🚒", "1️⃣", "葛󠄀城", "Škoda", "Citroën", "日産", "e\u0301"],
)  # fmt: skip
def test_alphabets_keep_what_shapes_their_letters(text: str) -> None:
    assert clean(text) == text == visible(text)


@pytest.mark.parametrize(
    ("text", "cleaned", "shown"),
    [
        ("a\u200db", "ab", r"a\u200db"),
        ("\ufe0fa", "a", r"\ufe0fa"),
        ("a\ufe0f\ufe0e", "a\ufe0f", "a\ufe0f\\ufe0e"),
        ("\x1b[31mred", "[31mred", r"\x1b[31mred"),
        (" a\r\nb\t", "a b", r" a\r\nb\t"),
        ("\x9b2J", "2J", r"\x9b2J"),
        ("a\udcffb", "a?b", r"a\xffb"),
        ("\U000e0041", "", r"\U000e0041"),
    ],
)
def test_how(text: str, cleaned: str, shown: str) -> None:
    assert (clean(text), visible(text)) == (cleaned, shown)


@given(st.dictionaries(ODD, ODD | st.integers() | st.lists(ODD)), st.sampled_from([None, 2]))
def test_a_document_of_json_says_the_same(document: dict[str, object], indent: int | None) -> None:
    shown = visible_json(json.dumps(document, ensure_ascii=False, indent=indent))
    assert all(map(is_harmless, shown.split("\n")))
    # A pair of halves, each by its number, is one character to any reader of JSON.
    assert json.dumps(json.loads(shown)) == json.dumps(json.loads(json.dumps(document)))


@pytest.mark.parametrize(
    "word", [*HOSTILE.values(), "it's $HOME `id` \\", "a\udcffb", "", "\n", "ü"]
)
def test_a_word_of_a_command_is_one_word_in_a_shell(word: str) -> None:
    if "\x00" in word or "\ud83d" in word:
        word = word.replace("\x00", "").replace("\ud83d", "")  # which no argument can hold
    said = shell_word(word)
    assert all(map(is_harmless, said.split("\n")))
    done = subprocess.run(["bash", "-c", f"printf %s {said}"], capture_output=True, check=True)
    assert done.stdout == word.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "url",
    [None, "", "x", "/x", "//example.net/x", "javascript:alert(1)", " JavaScript:alert(1)",
     "https:", "java\nscript:alert(1)", "data:text/html,x",
     "file:/etc/passwd", "file:" + "///etc/passwd", "ftp://example.net/",
     "http://", "http:///x", "http://:80/", "http://[", "vbscript:x", "\x01javascript:x"],
)  # fmt: skip
def test_what_is_no_address_of_the_web(url: str | None) -> None:
    assert web_url(url) is None


@given(ODD)
def test_an_address_of_the_web_has_nothing_that_breaks_out(text: str) -> None:
    found = web_url(f"https://example.net/{text}")
    assert found is not None
    assert is_harmless(found)
    assert not set(found) & set(' <>"\\^`{|}\n')
    assert web_url(found) == found


@pytest.mark.parametrize("word", HOSTILE.values())
def test_no_record_holds_what_nobody_sees(word: str) -> None:
    rights = dict.fromkeys(("license", "license_url", "creator", "attribution"), word)
    place = Sighting("s", "1", {"make": word, word: "x"}, word, word, split=word, **rights)
    listing = Listing("s", "1", word, "stamp", {"make": word}, (), **rights)
    for record in (place, listing):
        texts = [getattr(record, each.name) for each in fields(record)]
        texts += [*record.words, *record.words.values()]
        assert all(is_harmless(text) for text in texts if isinstance(text, str))
        assert record.words["make"] == clean(word)
    assert is_harmless(Drop("s", "1", "reason", word).detail)
    notice = Notice(word, word)
    assert is_harmless(notice.text)
    assert is_harmless(notice.example)


def test_the_id_of_a_place_stays_what_it_was() -> None:
    """Two files may differ by nothing else, and a file that is known has this id already."""
    names = ["/photos/a\x1b.jpg", "/photos/a.jpg", "/photos/a\\x1b.jpg"]
    assert [Sighting("folder", name).source_id for name in names] == names


def test_what_is_nothing_else_is_absent_and_a_site_is_cut() -> None:
    place = Sighting("s", "1", {"make": "\u200b", "model": ""}, creator="\x1b")
    assert (place.words, place.creator) == ({"model": ""}, None)
    long = Listing(
        "s", "1", "https://example.net/", "", {"make": "a" * 50_000}, (), creator="é" * 50_000
    )
    assert len(long.words["make"]) == len(long.creator or "") == LONGEST_WORD
    assert len(Sighting("s", "1", {"make": "a" * 50_000}).words["make"]) == 50_000


def test_a_name_in_another_encoding(tmp_path: Path) -> None:
    """Bytes that are no characters are shown by their numbers."""
    (tmp_path / "a\udcff.jpg").touch()
    (found,) = tmp_path.iterdir()
    assert visible(found.name) == r"a\xff.jpg"
