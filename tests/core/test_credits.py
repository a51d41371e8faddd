"""Credits: the line of text, and documents in which any text stays a text."""

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.credits import FORMS, NO_LICENSE, Credit, attribution_text, render_credits
from core.licenses import License
from core.spreadsheet import guarded
from core.text import clean

CC0 = License("cc0", "1.0")
PORTED = License("by-sa", "3.0", "de")
FILE = "file:" + "//"  # in one piece it would name a machine
HOSTILE = [
    "*a* _b_ `c` ~~d~~ **e**",
    "[x](javascript:alert(1))",
    "![x](https://example.net/x.png)",
    "<script>alert(1)</script>",
    "&lt;b&gt; &amp; &copy;",
    "\"quoted\" 'single' \\ back|slash",
    "# not a heading",
    "two\nlines\r\n\tand a tab",
    "=HYPERLINK(1)",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "https://example.net/ <https://example.net/>",
    "$x$ ||y|| {z}",
    "a,b;c",
    "\x1b[31mred\x00",
    "Škoda \N{AUTOMOBILE} \u202b\u05d0",
    "\x1b]8;;https://evil.example\x07car\x9b2J",
    "＝1+1",  # noqa: RUF001
]
# Without what makes a second line or is no letter at all: those become blanks, tested on their own.
TEXT = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1)
ANY = st.sampled_from(HOSTILE) | TEXT


@pytest.mark.parametrize(
    ("found", "title", "creator", "line"),
    [
        (
            CC0, "Tree Bark Photo", "Tim Sullivan",
            '"Tree Bark Photo" by Tim Sullivan is marked with CC0 1.0. To view the terms, visit '
            "https://creativecommons.org/publicdomain/zero/1.0/.",
        ),
        (
            PORTED, None, "Jo",
            "This work by Jo is licensed under CC BY-SA 3.0 DE. To view a copy of this license, "
            "visit https://creativecommons.org/licenses/by-sa/3.0/de/.",
        ),
        (
            License("pdm", "1.0"), "  A   car ", " ",
            '" A car " is marked with Public Domain Mark 1.0. To view the terms, visit '
            "https://creativecommons.org/publicdomain/mark/1.0/.",
        ),
        (
            License("by", "4.0"), 'The "Bug"', "",
            '"The "Bug"" is licensed under CC BY 4.0. To view a copy of this license, visit '
            "https://creativecommons.org/licenses/by/4.0/.",
        ),
    ],
)  # fmt: skip
def test_the_line(found: License, title: str | None, creator: str, line: str) -> None:
    assert attribution_text(found, title, creator) == line


def full(text: str = "Car", url: str = "https://example.net/a?b=1&copy=2") -> Credit:
    return Credit(
        image_id="0123456789abcdef",
        source="commons",
        page_url=url,
        image_url=url,
        title=text,
        creator=text,
        creator_url=url,
        license=text,
        license_url=url,
        attribution=text,
        own_words=True,
        changes=text,
    )


class Read(HTMLParser):
    """What a browser would see: the text, the addresses, and every element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.links, self.tags = "", list[str | None](), list[str]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]
        assert {name for name, _ in attrs} <= {"href", "charset", "lang"}

    def handle_data(self, data: str) -> None:
        self.text += data


def read(form: str, *every: Credit) -> Read:
    text = "\n".join(render_credits(form, every))
    return Read(text if form == "html" else MarkdownIt("commonmark").enable("table").render(text))


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


@given(ANY)
@example(HOSTILE[0])
@pytest.mark.parametrize("form", ["markdown", "html"])
def test_any_text_stays_a_text(form: str, text: str) -> None:
    if not one_line(text):
        return
    plain = one_line(text)
    found = read(form, full(text))
    sentence = f"Photo 0123456789ab: {plain} — {plain} by {plain}, {plain}, {plain}"
    assert sentence in found.text
    assert found.tags.count("a") == len(found.links) == 4
    assert set(found.tags) <= {
        "html", "head", "meta", "title", "body", "h1", "ul", "li", "a",
    }  # fmt: skip
    assert set(found.links) == {"https://example.net/a?b=1&copy=2"}


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", f"{FILE}/photos/car.jpg", "file:/etc/passwd", "data:text/html,x",
     "//example.net/x", "/photos/car.jpg", "https:", "http://["],
)  # fmt: skip
def test_only_addresses_of_the_web_are_said(url: str) -> None:
    for form in FORMS:
        assert url not in "\n".join(render_credits(form, [full(url=url)]))
        assert form == "csv" or read(form, full(url=url)).links == []
    assert url not in asdict(full(url=url)).values()


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_addresses_cannot_break_out(form: str) -> None:
    url = 'https://example.net/a b>) "onclick="x" <b> \\ `c` (d)\n\n# e'
    found = read(form, full(url=url))
    assert found.tags.count("a") == len(found.links) == 4
    assert set(found.links) == {
        "https://example.net/a%20b%3E)%20%22onclick=%22x%22%20%3Cb%3E%20%5C%20%60c%60%20(d)"
        "%0A%0A#%20e"
    }


@given(st.lists(ANY, min_size=1, max_size=3))
@example(HOSTILE)
def test_a_table_that_no_spreadsheet_computes(texts: list[str]) -> None:
    lines = "\n".join(render_credits("csv", map(full, texts)))
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        assert None not in row
        assert {row[name] for name in ("title", "creator", "changes")} == {row["title"]}
        assert row["title"] == guarded(one_line(text))
        assert row["attribution"] == row["title"]


def test_photos_without_a_license_come_last_and_get_no_credit() -> None:
    bare = [Credit("f" * 64, "autoscout24", "https://example.net/offer"), Credit("e" * 64)]
    for form in ("markdown", "html"):
        found = read(form, full(), *bare)
        before, _, after = found.text.partition("No license known")
        assert "Photo 0123456789ab" in before
        assert "Photo ffffffffffff, seen at autoscout24" in after
        assert "Photo eeeeeeeeeeee" in after
        assert " by " not in after
        assert found.tags.count("li") == 3
        assert "No license known" not in read(form, full()).text
    rows = list(csv.DictReader(render_credits("csv", [full(), *bare])))
    assert [row["license"] for row in rows] == ["Car", NO_LICENSE, NO_LICENSE]
    assert [row["attribution"] for row in rows] == ["Car", "", ""]


def test_a_line_that_nobody_asked_for_is_not_said_twice() -> None:
    credit = Credit("a" * 64, title="Car", license="CC0 1.0", attribution="made of the rest")
    for form in ("markdown", "html"):
        assert "made of the rest" not in read(form, credit).text
        assert "Photo aaaaaaaaaaaa: Car, CC0 1.0" in read(form, credit).text
    assert "made of the rest" in "".join(render_credits("csv", [credit]))
    unnamed = read("markdown", Credit("a" * 64, license="CC0 1.0"))
    assert ": This work, CC0 1.0" in unnamed.text


@pytest.mark.parametrize("form", list(FORMS))
def test_credits_are_written_while_they_are_read(form: str) -> None:
    asked: list[int] = []

    def some() -> Iterator[Credit]:
        for number in range(9):
            asked.append(number)
            yield full()

    lines = render_credits(form, some())
    next(lines)
    assert asked == []
    assert "0123456789ab" in next(lines)
    assert asked == [0]
