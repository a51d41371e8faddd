"""The HTML of descriptions on Commons: what a reader sees, where it links, and clean addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.sites.commons.pages.markup import first_link, plain_text, strip_tracking, web_address

COMMONS = "https://commons.wikimedia.org"


@pytest.mark.parametrize(
    ("html", "text", "link"),
    [
        ("", "", None),
        ("A &amp; B<br>C", "A & B C", None),
        ('<span style="display: none;">Unknown</span>Jo', "Jo", None),
        ('<span style="display:none"><b>x</b><br></span>Jo <i>Do</i>', "Jo Do", None),
        ("<style>p{}</style>Jo<script>x</script>", "Jo", None),
        ('<a href="javascript:alert(1)">Jo</a>', "Jo", None),
        ('<a href="mailto:a@b.c">Jo</a> <a href="/wiki/User:Jo">page</a>', "Jo page",
         f"{COMMONS}/wiki/User:Jo"),
        ('<a href="http:////x/y">Jo</a>', "Jo", None),
        ('<a href="http://jo.example/?a=1&amp;b=2#c">Jo</a>', "Jo",
         "http://jo.example/?a=1&b=2#c"),
        ("<div>A</div> / <div>B</div>", "A / B", None),
        ("</b>unopened <b>unclosed", "unopened unclosed", None),
    ],
)  # fmt: skip
def test_text_and_link_of_html(html: str, text: str, link: str | None) -> None:
    assert (plain_text(html), first_link(html)) == (text, link)


@given(st.lists(st.sampled_from(["utm_source=a", "UTM_x=1", "width=9", "b", "c=utm_d"])),
       st.sampled_from(["", "#utm_part"]))  # fmt: skip
def test_only_tracking_is_stripped(query: list[str], fragment: str) -> None:
    path = "https://upload.wikimedia.org/a%20b/utm_c.jpg"
    kept = [each for each in query if not each.lower().startswith("utm_")]
    clean = path + ("?" + "&".join(kept) if kept else "") + fragment
    url = f"{path}?{'&'.join(query)}{fragment}" if query else path + fragment
    assert strip_tracking(url) == clean == strip_tracking(clean) == web_address(url)
