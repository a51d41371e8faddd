"""What a source said is words in Prefect's pages, and never markup."""

import re

from hypothesis import given
from hypothesis import strategies as st

from flows.markdown import LONGEST, link, plain, table


@given(st.text())
def test_nothing_in_a_text_is_markup(text: str) -> None:
    said = plain(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|#!~$&]", said)
    assert "\n" not in said
    shown = re.sub(r"\\(.)", r"\1", said)
    assert shown.removesuffix("…").rstrip() in " ".join(text.split())
    assert len(shown) <= LONGEST + 1


def test_only_pages_of_the_web_are_links() -> None:
    assert link("a|b", "https://cars.example/a b>(c)") == (
        r"[a\|b](<https://cars.example/a%20b%3E(c)>)"
    )
    for url in (None, "", "javascript:alert(1)", "data:text/html,x", "ftp://d.example"):
        assert link("a", url) == "a"


def test_a_table() -> None:
    rows = [{"rank": 1, "who": "a|b"}, {"rank": 22, "who": link("c", "http://d.example")}]
    assert table(rows) == [
        "| rank | who |",
        "| ---: | --- |",
        r"| 1 | a\|b |",
        "| 22 | [c](<http://d.example>) |",
    ]
