"""What a source said is words in Prefect's pages, and never markup."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.text import visible
from flows.reporting.markdown import LONGEST_CELL, cells, escaped, link, markdown_table, plain
from tests.core.test_text import HOSTILE, is_harmless

MARKUP = [
    "![x](https://evil.example/beacon.png)", "[a](javascript:alert(1))", "<img src=x onerror=y>",
    "<https://evil.example>", "# h", "- x", "+ x", "1. x", "1) x", "---", "***", "___", "> q",
    "`c` ``d``", "~~d~~", "a|b", "&copy; &#65; a & b", "_em_ x_y __s__", "*a* **b**", "\\* \\",
    "[x]: https://evil.example", "==", "    code", "a\n\n# b", "| a |\n|---|",
]  # fmt: skip
PIECES = st.sampled_from([*MARKUP, *HOSTILE.values(), *"_*`[]()<>#+-=!|~&$.:/@\\ 1a"])
ANY = st.text() | st.lists(PIECES).map("".join)
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def words(text: str) -> str:
    return " ".join(visible(" ".join(text.split())).split())


@example("".join(MARKUP))
@given(ANY)
def test_nothing_in_a_text_is_markup(text: str) -> None:
    said = escaped(text)
    assert is_harmless(said)
    tokens = [each for token in READER.parse(said) for each in (token, *(token.children or []))]
    kinds = {token.type for token in tokens}
    assert kinds <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}
    assert "".join(each.content for each in tokens if not each.children) == words(text)


@pytest.mark.parametrize("text", MARKUP)
def test_nothing_in_a_cell_is_markup(text: str) -> None:
    page = "\n".join(markdown_table([{"a": text, "b": 1}]))
    tokens = [each for token in READER.parse(page) for each in (token, *(token.children or []))]
    kinds = {token.type for token in tokens if not token.type.startswith(("t", "inline"))}
    assert kinds == set()
    assert words(text) in [each.content for each in tokens if each.type == "inline"] or any(
        "".join(part.content for part in each.children or []) == words(text) for each in tokens
    )


@given(st.sampled_from(["https://", "HTTP://", "ftp://", "www.", "jo@", "WWW."]), ANY)
def test_no_address_alone_is_a_link(start: str, text: str) -> None:
    """The signs by which GitHub's kind of Markdown knows one do not stand beside each other."""
    said = escaped(f"{text} {start}evil.example {text}")
    assert not re.search(r"(?i)(?:https?|ftp)://|www\.\w|(?<!\\)@", said)


@pytest.mark.parametrize(
    "text",
    ["body_type=suv", "2012 red Ford; a.b-c", "-5", "#5", "+1", "2.5", "a & b", "(a) {b} $c$ !d",
     "C: 1", "12:30", "Škoda", "10 %"],
)  # fmt: skip
def test_what_would_not_act_has_no_backslash(text: str) -> None:
    assert escaped(text) == plain(text) == text


@given(ANY)
def test_a_long_text_is_cut(text: str) -> None:
    assert plain("a" * 1000) == "a" * LONGEST_CELL + "…"
    short = " ".join(text.split())[:LONGEST_CELL]
    assert plain(short) == escaped(short)


def test_only_pages_of_the_web_are_links() -> None:
    assert link("a|b", "https://cars.example/a b>(c)") == (
        r"[a\|b](<https://cars.example/a%20b%3E(c)>)"
    )
    assert link("a", "https://cars.example/?a=1&copy=2") == (
        r"[a](<https://cars.example/?a=1\&copy=2>)"
    )
    for url in (None, "", "javascript:alert(1)", "data:text/html,x", "ftp://d.example"):
        assert link("a", url) == "a"
    for url in ("file:/etc/passwd", "https:///x", "https://", "http://[", "\x01javascript:x"):
        assert link("a", url) == "a"


def test_a_table() -> None:
    rows = [{"rank": 1, "who": "a|b"}, {"rank": 22, "who": link("c", "http://d.example")}]
    assert markdown_table(rows) == [
        "| rank | who |",
        "| ---: | --- |",
        r"| 1 | a\|b |",
        "| 22 | [c](<http://d.example>) |",
    ]


def test_cells_of_a_table_artifact() -> None:
    row = {"word": "![x](https://evil.example/)\x1b", "count": 3, "share": 0.5, "none": None}
    assert cells([row]) == [
        {"word": r"!\[x\](https\://evil.example/)\\x1b", "count": 3, "share": 0.5, "none": None}
    ]
