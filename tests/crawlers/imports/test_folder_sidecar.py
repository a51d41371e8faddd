"""Facts from a sidecar: every format says the same, and any file finds its row.

Single tables and what is read of them are in `tests/cases/sidecar`.
"""

import codecs
import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.records import Photo, SourceError
from core.spreadsheet import unguarded
from core.text import clean
from crawlers.imports.folder import FolderSource
from crawlers.imports.other_programs import is_other_file
from crawlers.imports.sidecar import read as sidecar
from crawlers.imports.walk import LABEL_SUFFIXES
from tests.crawlers.imports.sidecar_reading import drops, notices, read, words

AUDI_AND_VW = {"a.jpg": {"make": "Audi"}, "b.jpg": {"make": "VW", "color": "hellblau métallisé"}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f.csv", "path,make,color\na.jpg,Audi,\nb.jpg,VW,hellblau métallisé\n"),
        ("f.csv", "\ufeffpath;make;color\r\na.jpg; Audi ;\r\nb.jpg;VW;hellblau métallisé"),
        ("f.tsv", "make\tfile\tcolor\nAudi\ta.jpg\t\n\nVW\tb.jpg\thellblau métallisé\n"),
        ("f.txt", '"name"|"make"|"color"\na.jpg|Audi|\n"b.jpg"|VW|"hellblau métallisé"\n'),
        ("f.json", json.dumps([{"path": "a.jpg", "make": "Audi", "color": None}, {
            "path": "b.jpg", "make": "VW", "color": "hellblau métallisé"}])),
        ("f.json", json.dumps(AUDI_AND_VW)),
        ("f.json", '{"image": "a.jpg", "make": "Audi"}\n'
         '{"image": "b.jpg", "make": "VW", "color": "hellblau métallisé"}\n'),
        ("f.jsonl", '{"file": "./a.jpg", "make": "Audi", "color": ""}\n\n'
         '{"file": "b.jpg", "make": "VW", "color": "hellblau métallisé"}'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_format_says_the_same(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    records = read(tmp_path, text.removeprefix("\ufeff").encode(encoding), name)
    assert words(records) == AUDI_AND_VW
    assert len(records) == 2


def test_paths_are_relative_to_the_folder_or_absolute_and_links_meet(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "link").symlink_to("sub")
    text = f"path,make\nlink/a.jpg,Audi\n{folder}/sub/../b.jpg,VW\n"
    records = read(folder, text, files="sub/a.jpg b.jpg")
    assert words(records) == {"a.jpg": {"make": "Audi"}, "b.jpg": {"make": "VW"}}


def test_json_that_is_nested_too_deep_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be understood"):
        read(tmp_path, "[" * 100_000, "f.json")


def test_a_header_of_very_many_columns_is_read_at_once(tmp_path: Path) -> None:
    """Each was looked for among all others, which is a day for these."""
    header = ",".join(f"c{number}" for number in range(300_000))
    with pytest.raises(SourceError, match=r"columns \['c7'\] appear more than once"):
        read(tmp_path, f"path,{header},c7\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("w.csv", 'path,make\na.jpg,"' + "x\n" * 300_000),
        ("w.json", '{"path": "a"}\n' + "x\n" * 200_000),
    ],
    ids=["csv", "json"],
)
def test_a_table_of_broken_rows_alone_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=r"over 100,000 of its rows are broken.*the first: line"):
        sidecar.load_sidecar(tmp_path / name, tmp_path, None, "folder")


def test_an_absent_sidecar_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"no\.csv cannot be read: No such file"):
        list(FolderSource(tmp_path, sidecar=tmp_path / "no.csv").records())


names = st.binary(min_size=1, max_size=24).filter(
    lambda name: (
        not set(name) & set(b"/\0")
        and not name.startswith(b".")
        and Path(os.fsdecode(name)).suffix.lower() not in LABEL_SUFFIXES
        and not is_other_file(Path(os.fsdecode(name)))
        and os.fsdecode(name).strip() != ""
    )
)


def as_csv(rows: list[dict[str, Any]], delimiter: str) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, ["path", "make"], delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8", "surrogateescape")


def as_json(rows: list[dict[str, Any]], _: str) -> bytes:
    return json.dumps(rows).encode()


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        names,
        st.text("abcäß\N{AUTOMOBILE}\"',;|\n", min_size=1).filter(
            lambda word: unguarded(word.strip()) == word.strip()
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from([as_csv, as_json]),
)
@example({codecs.BOM_UTF8 + b".jpg": "a"}, ",", as_csv)
@example({b'"\n\r\n\xff,;': "a"}, ",", as_csv)
def test_any_file_finds_its_own_row(
    tmp_path_factory: pytest.TempPathFactory, made: dict[bytes, str], delimiter: str, write: Any
) -> None:
    folder = tmp_path_factory.mktemp("law")
    for name in made:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(name)
    table = folder.parent / f"{folder.name}.{'csv' if write is as_csv else 'json'}"
    rows = [{"path": os.fsdecode(name), "make": make} for name, make in made.items()]
    table.write_bytes(write(rows, delimiter))
    records = list(FolderSource(folder, sidecar=table).records())
    found = {r.read(): r.sighting.words for r in records if isinstance(r, Photo)}
    assert found == {
        name: {"make": clean(make.strip())} if make.strip() else {} for name, make in made.items()
    }
    assert notices(records) == []
    assert drops(records) == []
