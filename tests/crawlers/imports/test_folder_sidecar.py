"""Facts from a sidecar: every format, every fault, and the match of any name to its row."""

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

from core.records import Drop, Notice, Photo, SourceError
from core.spreadsheet import unguarded
from core.text import clean
from crawlers.imports.folder import NO_ROW, FolderSource
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


def test_columns_are_mapped_and_the_others_named(tmp_path: Path) -> None:
    text = (
        "id,bild,Marke,body_type,colour_pseudo,split,license,creator\n"
        "7,a.jpg,VW,Kombi,red,train,cc-by-4.0,Ann\n"
    )
    records = read(tmp_path, text, files="a.jpg", path="bild", make="Marke", my_word="id")
    (photo,) = [record for record in records if isinstance(record, Photo)]
    assert photo.sighting.words == {"my_word": "7", "make": "VW", "body_type": "Kombi"}
    assert (photo.sighting.split, photo.sighting.license) == ("train", "cc-by-4.0")
    assert (photo.sighting.creator, photo.sighting.attribution) == ("Ann", None)
    (notice,) = [record for record in records if isinstance(record, Notice)]
    assert "'colour_pseudo' is not used" in notice.text
    assert notice.example == "red"


def test_numbers_and_lists_of_json_become_words(tmp_path: Path) -> None:
    row = {
        "path": "a.jpg",
        "model_year": 2012,
        "people": ["man", "child"],
        "age": [],
        "n": {"x": 1},
    }
    records = read(tmp_path, json.dumps([row]), "f.json", files="a.jpg", number="n")
    assert words(records) == {"a.jpg": {"model_year": "2012", "people": "man, child"}}
    assert drops(records) == [("row 1", "sidecar value is an object, not a word")]


def test_paths_are_relative_to_the_folder_or_absolute_and_links_meet(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "link").symlink_to("sub")
    text = f"path,make\nlink/a.jpg,Audi\n{folder}/sub/../b.jpg,VW\n"
    records = read(folder, text, files="sub/a.jpg b.jpg")
    assert words(records) == {"a.jpg": {"make": "Audi"}, "b.jpg": {"make": "VW"}}


def test_rows_and_files_that_do_not_meet_are_reported(tmp_path: Path) -> None:
    (tmp_path / ".hidden.jpg").write_bytes(b"x")
    text = "path,make\na.jpg,Audi\nabsent.jpg,VW\n,Opel\n.hidden.jpg,Fiat\nx\0y.jpg,Seat\n"
    records = read(tmp_path, text)
    assert words(records) == {"a.jpg": {"make": "Audi"}, "b.jpg": {}}
    assert drops(records) == [
        ("line 4", sidecar.NO_PATH),
        ("line 6", sidecar.BAD_PATH),
        ("line 3", sidecar.ABSENT),
        ("line 5", sidecar.OUTSIDE),
    ]
    assert notices(records).count(NO_ROW) == 1


def test_rows_that_disagree_are_told_and_the_first_wins(tmp_path: Path) -> None:
    text = "path,make\na.jpg,Audi\n./a.jpg,VW\nb.jpg,Opel\nb.jpg,Opel\n"
    records = read(tmp_path, text)
    assert words(records) == {"a.jpg": {"make": "Audi"}, "b.jpg": {"make": "Opel"}}
    (notice,) = [record for record in records if isinstance(record, Notice)]
    assert notice.text == sidecar.DISAGREE
    assert "line 2" in notice.example
    assert "VW" in notice.example


def test_a_key_that_stands_twice_in_json_is_not_lost(tmp_path: Path) -> None:
    records = read(
        tmp_path, '{"a.jpg": {"make": "Audi"}, "a.jpg": {"make": "VW"}, "b.jpg": 3}', "f.json"
    )
    assert words(records) == {"a.jpg": {"make": "Audi"}, "b.jpg": {}}
    assert notices(records) == [sidecar.DISAGREE, NO_ROW]
    assert drops(records) == [("key 'b.jpg'", "sidecar row is not a JSON object")]


def test_broken_rows_are_dropped_and_the_rest_is_read(tmp_path: Path) -> None:
    text = (
        'path,make\na.jpg,Audi,more\nb.jpg,VW\n"c.jpg"x,Seat\nd.jpg,Opel\n"e.jpg,Fiat\nf.jpg,BMW\n'
    )
    records = read(tmp_path, text, files="a.jpg b.jpg d.jpg f.jpg")
    expected = {"a.jpg": {}, "b.jpg": {"make": "VW"}, "d.jpg": {"make": "Opel"}, "f.jpg": {}}
    assert words(records) == expected
    assert drops(records) == [
        ("line 2", "sidecar row does not fit its header"),
        ("line 4", "sidecar row is not CSV"),
        ("line 6", "sidecar row is not CSV"),
    ]
    (lost,) = [r for r in records if isinstance(r, Drop) and r.source_id.endswith("line 6")]
    assert "lines 6 to 7 are lost" in lost.detail


def test_broken_json_lines_are_dropped_and_the_rest_is_read(tmp_path: Path) -> None:
    text = '{"path": "a.jpg", "make": "Audi"}\n{"path": "b.jpg"\n[1]\n{"make": "VW"}\n'
    records = read(tmp_path, text, "f.jsonl")
    assert words(records) == {"a.jpg": {"make": "Audi"}, "b.jpg": {}}
    assert sorted(drops(records)) == [
        ("line 2", "sidecar row is not JSON"),
        ("line 3", "sidecar row is not a JSON object"),
        ("line 4", sidecar.NO_PATH),
    ]


@pytest.mark.parametrize(
    ("name", "text", "columns", "message"),
    [
        ("f.csv", "path,make\n", {"make": "brand"}, "no column brand; its columns are path, make"),
        ("f.csv", "id,make\n1,VW\n", {}, "map `path` to the one .* its columns are id, make"),
        ("f.csv", "path,make,make\n", {}, r"columns \['make'\] stand there twice"),
        ("f.csv", "", {}, "it is empty"),
        ("f.csv", '"path\n', {}, "first line must name the columns"),
        ("f.json", "path,make\na.jpg,VW", {}, "neither JSON .* nor one JSON object a line"),
        ("f.json", "3", {}, "no list of objects"),
        ("f.json", "[" * 100_000, {}, "cannot be understood"),
    ],
)
def test_a_sidecar_that_cannot_be_used_says_why(
    tmp_path: Path, name: str, text: str, columns: dict[str, str], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        read(tmp_path, text, name, **columns)


def test_a_header_of_very_many_columns_is_read_at_once(tmp_path: Path) -> None:
    """Each was looked for among all others, which is a day for these."""
    header = ",".join(f"c{number}" for number in range(300_000))
    with pytest.raises(SourceError, match=r"columns \['c7'\] stand there twice"):
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
