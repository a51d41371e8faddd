"""Licenses: the closed table, every form of an address, and what is accepted."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageMistakeError
from core.licenses import (
    ACCEPTABLE,
    LICENSE_CODES,
    LICENSE_NOT_REQUESTED,
    MARK_NOT_REQUESTED,
    NO_ADAPTATIONS,
    NOT_COMMERCIAL,
    NOT_KNOWN,
    RETIRED,
    License,
    license_refusal,
    parse_code,
    parse_license,
)

SITE = "https://creativecommons.org"
EVERY = [
    License(code, version, port)
    for version, ports in LICENSE_CODES.items()
    for port, codes in ports.items()
    for code in codes
]


def test_the_table_is_that_of_the_facts(shared_data: Path) -> None:
    facts = json.loads((shared_data / "commons" / "cc_license_table.json").read_text())
    ours = {
        version: {port: sorted(codes) for port, codes in ports.items()}
        for version, ports in LICENSE_CODES.items()
        if version
    }
    theirs = {v: {port: sorted(codes) for port, codes in p.items()} for v, p in facts.items()}
    assert ours == theirs
    assert LICENSE_CODES[""] == {"": ("publicdomain",)}, "the one dedication without a version"


def test_how_many_there_are() -> None:
    assert {version: len(ports) for version, ports in LICENSE_CODES.items()} == {
        "4.0": 1, "3.0": 44, "2.5": 29, "2.1": 4, "2.0": 19, "1.0": 6, "": 1,
    }  # fmt: skip


@pytest.mark.parametrize("each", EVERY, ids=lambda each: each.name)
def test_every_license_is_read_from_its_own_address(each: License) -> None:
    assert parse_license(each.url) == each
    assert "//" not in each.url.removeprefix("https://")


@given(
    st.sampled_from(EVERY),
    st.sampled_from(["https://", "http://", "//", "HTTPS://", "", "www.", "https://www."]),
    st.sampled_from(["", ":443", ":80"]),
    st.sampled_from(
        [
            "deed.es-419",
            "legalcode.zh-hans",
            "deed.sr-latn",
            "deed.pt_BR",
            "",
            "deed.en",
            "legalcode",
            "deed",
            "deed.de",
            "legalcode.txt",
            "rdf",
        ]
    ),
    st.sampled_from(["", "/", "?ref=somewhere", "#", "/?lang=de"]),
    st.booleans(),
)
def test_no_form_of_an_address_changes_the_license(
    each: License, scheme: str, port: str, tail: str, end: str, upper: bool
) -> None:
    path = each.url.removeprefix("https://").replace(".org/", f".org{port}/", 1) + tail
    url = f" {scheme}{path.rstrip('/')}{end}\n"
    assert parse_license(url.upper() if upper else url) == each


@pytest.mark.parametrize(
    ("url", "code", "version", "port"),
    [
        ("https://creativecommons.org/licenses/by-sa/4.0", "by-sa", "4.0", ""),
        ("https://creativecommons.org/licenses/by-sa/3.0/de/deed.en", "by-sa", "3.0", "de"),
        ("https://creativecommons.org/licenses/by-sa/2.1/ca/", "by-sa", "2.1", "ca"),
        ("https://creativecommons.org/licenses/by/3.0/igo/", "by", "3.0", "igo"),
        ("https://creativecommons.org/licenses/by/2.5/scotland/", "by", "2.5", "scotland"),
        ("https://www.creativecommons.org/licenses/by/2.0/", "by", "2.0", ""),
        ("//creativecommons.org/licenses/by/4.0/", "by", "4.0", ""),
        ("http://creativecommons.org/publicdomain/zero/1.0/deed.en", "cc0", "1.0", ""),
        ("https://creativecommons.org/licenses/CC0/1.0/legalcode", "cc0", "1.0", ""),
        ("https://creativecommons.org/share-your-work/public-domain/cc0/", "cc0", "1.0", ""),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "pdm", "1.0", ""),
        ("https://creativecommons.org/publicdomain/mark/1.0//", "pdm", "1.0", ""),
        ("https://creativecommons.org/licenses/mark/1.0", "pdm", "1.0", ""),
        ("https://creativecommons.org/licenses/publicdomain/", "publicdomain", "", ""),
        ("https://creativecommons.org/licenses/by-nd-nc/1.0/", "by-nd-nc", "1.0", ""),
        ("https://creativecommons.org/licenses/sampling%2B/1.0/", "sampling+", "1.0", ""),
        ("https://creativecommons.org/publicdomain/certification/1.0/us/", "certification",
         "1.0", "us"),
    ],
)  # fmt: skip
def test_forms_in_use(url: str, code: str, version: str, port: str) -> None:
    assert parse_license(url) == License(code, version, port)


@pytest.mark.parametrize(
    "url",
    [
        f"{SITE}/licenses/by-nc-nd/1.0/",  # the three that fell through to the public domain
        f"{SITE}/licenses/by-nc/5.0/",  # elsewhere
        f"{SITE}/licenses/by-sa/2.1/xx/",
        f"{SITE}/licenses/by/2.1/",  # only ports of 2.1 exist
        f"{SITE}/licenses/cc0/4.0/",
        f"{SITE}/publicdomain/zero/4.0/",
        f"{SITE}/publicdomain/mark/4.0/",
        f"{SITE}/licenses/by-nd-nc/2.0/jp/",
        f"{SITE}/licenses/by/",
        f"{SITE}/licenses/by/4/",
        f"{SITE}/licenses/by/4.0/de/",
        f"{SITE}/licenses/by/3.0/de/extra/",
        f"{SITE}/licenses/publicdomain/1.0/",
        f"{SITE}/licenses/pdm/1.0/",
        f"{SITE}/publicdomain/by/4.0/",
        f"{SITE}/about/licenses/by/4.0/",
        f"{SITE}/",
        "https://creativecommons.org.example.net/licenses/by/4.0/",
        "https://example.net/creativecommons.org/licenses/by/4.0/",
        "https://not.in/path/map",
        "https://creativecommons.org@example.net/licenses/by/4.0/",
        "ftp://creativecommons.org/licenses/by/4.0/",
        "https://www.flickr.com/commons/usage/",
        "creativecommons.org.example.net/licenses/by/4.0/",
        "creativecommons.org:x/licenses/by/4.0/",
        "https:creativecommons.org/licenses/by/4.0/",
        "mailto:creativecommons.org/licenses/by/4.0/",
        "/licenses/by/4.0/",
        "https://[creativecommons.org/licenses/by/4.0/",
        "cc-by-4.0",
        "",
    ],
)
def test_what_is_not_in_the_table_is_no_license(url: str) -> None:
    assert parse_license(url) is None
    assert license_refusal(parse_license(url), ACCEPTABLE) == NOT_KNOWN


@pytest.mark.parametrize("each", EVERY, ids=lambda each: each.name)
def test_every_license_is_read_from_its_code(each: License) -> None:
    words = [part for part in (each.code, each.version, each.port) if part]
    code = "-".join(["cc", *words])
    if each.code in {"cc0", "pdm", "publicdomain"}:
        code = {"cc0": "cc0", "pdm": "cc-pdm", "publicdomain": "cc-pd"}[each.code]
    for spelling in (code, code.upper(), f" {code} ", code.replace("cc-", "CC ")):
        assert parse_code(spelling) == each


@pytest.mark.parametrize(
    "code",
    ["", "pd", "pd-self", "PD-old-70", "cc", "cc-by", "cc-by-sa", "cc-by-sa-3.0,2.5,2.0",
     "cc-by-sa-all", "cc-by-2.1", "cc-by-5.0", "cc-by-sa-4.0-de", "cc-by-nc-nd-1.0", "gfdl",
     "cc-by-sa-3.0-de-at", "by-sa-3.0", "attribution", "cc0-4.0", "cc-by-2.0-xx"],
)  # fmt: skip
def test_a_code_that_names_no_license_of_the_table(code: str) -> None:
    """`pd` is what somebody thinks of a work, and a code without a version names several."""
    assert parse_code(code) is None


@given(
    st.sampled_from(["licenses", "publicdomain"]),
    st.sampled_from(sorted({each.code for each in EVERY} | {"zero", "mark", "all"})),
    st.sampled_from(["0.9", "1.0", "2.0", "2.1", "2.5", "3.0", "4.0", "5.0"]),
    st.sampled_from(["", "de", "us", "jp", "xx"]),
)
def test_an_address_never_becomes_another_combination(
    root: str, name: str, version: str, port: str
) -> None:
    found = parse_license(f"{SITE}/{root}/{name}/{version}/{port}")
    if found is not None:
        assert (found.version, found.port) == (version, port)
        assert found.code in LICENSE_CODES[version][port]
        assert found.code == {"zero": "cc0", "mark": "pdm"}.get(name, name)


@pytest.mark.parametrize(
    ("each", "name", "url"),
    [
        (License("by-sa", "3.0", "de"), "CC BY-SA 3.0 DE", f"{SITE}/licenses/by-sa/3.0/de/"),
        (License("by", "4.0"), "CC BY 4.0", f"{SITE}/licenses/by/4.0/"),
        (License("cc0", "1.0"), "CC0 1.0", f"{SITE}/publicdomain/zero/1.0/"),
        (License("pdm", "1.0"), "Public Domain Mark 1.0", f"{SITE}/publicdomain/mark/1.0/"),
        (License("publicdomain", ""), "Public Domain Dedication", f"{SITE}/licenses/publicdomain/"),
    ],
)
def test_names_and_canonical_addresses(each: License, name: str, url: str) -> None:
    assert (each.name, each.url) == (name, url)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("by", None),
        ("by-sa", None),
        ("cc0", None),
        ("pdm", MARK_NOT_REQUESTED),
        ("by-nd", NO_ADAPTATIONS),
        ("nd", NO_ADAPTATIONS),
        ("by-nc", NOT_COMMERCIAL),
        ("by-nc-sa", NOT_COMMERCIAL),
        ("by-nc-nd", NOT_COMMERCIAL),
        ("by-nd-nc", NOT_COMMERCIAL),
        ("nc", NOT_COMMERCIAL),
        ("nc-sa", NOT_COMMERCIAL),
        ("nd-nc", NOT_COMMERCIAL),
        ("nc-sampling+", NOT_COMMERCIAL),
        ("sampling", RETIRED),
        ("sampling+", RETIRED),
        ("sa", RETIRED),
        ("devnations", RETIRED),
        ("certification", RETIRED),
        ("publicdomain", RETIRED),
    ],
)
def test_what_is_accepted(code: str, reason: str | None) -> None:
    of_that_code = [each for each in EVERY if each.code == code]
    assert of_that_code
    assert {license_refusal(each) for each in of_that_code} == {reason}
    if reason not in {None, MARK_NOT_REQUESTED}:
        assert {license_refusal(each, ACCEPTABLE) for each in of_that_code} == {reason}
        with pytest.raises(UsageMistakeError, match=rf"{code.replace('+', '.')}.*{reason}"):
            license_refusal(License("by", "4.0"), ("by", code))


def test_every_code_has_a_verdict_and_those_that_bind_adaptations_are_known() -> None:
    taken = {each.code for each in EVERY if license_refusal(each, ACCEPTABLE) is None}
    assert taken == set(ACCEPTABLE)
    assert {each.code for each in EVERY if each.share_alike} == {
        "by-sa", "by-nc-sa", "sa", "nc-sa",
    }  # fmt: skip


def test_only_what_was_asked_for() -> None:
    mark, named = License("pdm", "1.0"), License("by", "4.0")
    assert license_refusal(mark, ("by", "pdm")) is None
    assert license_refusal(named, ("cc0",)) == LICENSE_NOT_REQUESTED
    assert license_refusal(named, ()) == LICENSE_NOT_REQUESTED
    with pytest.raises(UsageMistakeError, match=r"'gfdl'.*no such license.*by, by-sa, cc0, pdm"):
        license_refusal(named, ("gfdl",))
