"""Words that are not UTF-8: read as they were meant, or the row is refused, and never otherwise."""

# ruff: noqa: RUF001 - letters and signs that look alike are what is tested

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records import SourceError
from crawlers.imports.folder import FolderSource
from crawlers.imports.sidecar import read as sidecar
from crawlers.imports.sidecar.encoding import detect_encoding
from tests.crawlers.imports.sidecar_reading import drops, notices, read, words

# What a table in each encoding may hold: colors and makes as people write them.
TABLES = {
    "cp1252": (
        "Citroën grün C3, Škoda weiß Superb", "crème, gris métallisé, Coupé", "grøn, blå, rød",
        "röd, grå, mörkblå", "año, España", "vermelho, maçã, São", "L’été, bleu", "één, ivoor",
        "Alfa\xa0Romeo", "Rolls–Royce", "Kia cee’d", "Land Rover®", "MÉTALLISÉ, GRÜN, WEIß",
    ),
    "cp1250": (
        "červená, černá, stříbrná, hnědá", "żółty, biały, śliwkowy", "fehér, zöld, tűzpiros",
        "crna, žuta, smeđa, ljubičasta", "roşu, verde închis", "Škoda, tmavě modrá, růžová",
    ),
    "iso8859-2": ("červená, Škoda žlutá", "żółty, śliwkowy"),
    "iso8859-15": ("Škoda, Citroën", "grün, 12€"),
    "mac-roman": ("Citroën, grün, weiß", "bleu foncé, crème", "España, Málaga", "CITROËN"),
    "cp850": ("Citroën, grün, weiß", "ärger, Größe", "CITROËN"),
    "cp1254": ("yeşil, kırmızı, gümüş",),
    "cp932": ("トヨタ, 赤, 日産, 青", "ホンダ, スバル"),
    "gb18030": ("丰田, 红色, 大众, 黑色", "雪佛兰, 本田, 宝马, 奥迪"),
    "big5": ("豐田, 紅色, 福斯, 黑色",),
    "cp949": ("현대, 빨강, 기아, 검정",),
    "cp1251": ("Лада, красный, Волга, чёрный",),
    "koi8-r": ("Лада, красный, Волга, чёрный",),
    "cp1253": ("κόκκινο, μαύρο",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "text"), [(name, text) for name, texts in TABLES.items() for text in texts]
)
def test_words_of_short_tables_are_read(tmp_path: Path, encoding: str, text: str) -> None:
    cells = text.split(", ")
    files = [f"{number}.jpg" for number in range(len(cells))]
    table = "path;make\n" + "".join(f"{f};{cell}\n" for f, cell in zip(files, cells, strict=True))
    records = read(tmp_path, table.encode(encoding), files=" ".join(files))
    found = [said["make"] for said in words(records).values()]
    assert found == [cell.replace("\xa0", " ") for cell in cells] or found == cells
    assert drops(records) == []
    (told,) = notices(records)
    assert told.startswith("sidecar is not UTF-8; it is read as ")


UNSURE = ["cp1250 tmavě", "cp1250 červená", "cp850 Málaga", "mac-roman año", "cp1254 sarı",
          "koi8-r лада", "gb18030 红", "cp866 красный", "cp862 שחור"]  # fmt: skip


@pytest.mark.parametrize("case", UNSURE)
def test_what_could_be_two_things_is_refused(tmp_path: Path, case: str) -> None:
    """One word of a language is too little; the rows that are ASCII are read."""
    encoding, word = case.split()
    raw = f"path,color,note\na.jpg,{word},x\nb.jpg,red,{word}\n".encode(encoding)
    records = read(tmp_path, raw)
    assert words(records) == {"a.jpg": {}, "b.jpg": {"color": "red"}}
    assert drops(records) == [("line 2", sidecar.UNKNOWN_ENCODING)]
    assert "UTF-8" in sidecar.UNKNOWN_ENCODING


@pytest.mark.parametrize(
    ("codec", "said", "is_read"),
    [
        ("cp1252", "così più perché", True),
        ("cp1252", "così", False),
        ("mac-roman", "più", True),
        ("mac-roman", "grön", True),
        ("cp1254", "İstanbul kırmızı gümüş", True),
        ("cp1254", "İstanbul kırmızı", False),
    ],
)
def test_words_with_rarer_letters_are_not_taken_for_others(
    codec: str, said: str, *, is_read: bool
) -> None:
    cells = [word.encode(codec).decode("utf-8", "surrogateescape") for word in said.split()]
    found = detect_encoding(cells)
    read_as = [found.read(cell) for cell in cells]
    assert read_as == (said.split() if is_read else [None] * len(cells))


_WORDS = [(name, word.strip()) for name, texts in TABLES.items() for text in texts
          for word in text.split(",") if not word.isascii()]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(TABLES)), st.data())
def test_any_table_of_known_words_is_read_right_or_refused(
    encoding: str, data: st.DataObject
) -> None:
    mine = [word for name, word in _WORDS if name == encoding]
    some = data.draw(st.lists(st.sampled_from(mine), min_size=1, max_size=6, unique=True))
    cells = [word.encode(encoding).decode("utf-8", "surrogateescape") for word in some]
    found = detect_encoding(cells)
    for cell, word in zip(cells, some, strict=True):
        assert found.read(cell) in (word, None)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("aä€Щ中 \N{AUTOMOBILE}").map(str.strip).filter(bool), min_size=1, max_size=5),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
    st.sampled_from(["f.csv", "f.json", "f.jsonl"]),
)
def test_every_unicode_encoding_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str], encoding: str, name: str
) -> None:
    rows = [{"path": f"{number}.jpg", "note": cell} for number, cell in enumerate(cells)]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    table = {
        "f.csv": "path;note\n" + "".join(f"{row['path']};{row['note']}\n" for row in rows),
        "f.json": f"[{', '.join(lines)}]",
        "f.jsonl": "\n".join(lines) + "\n",
    }[name]
    folder = tmp_path_factory.mktemp("law")
    files = " ".join(row["path"] for row in rows)
    found = words(read(folder, table.encode(encoding), name, files, note="note"))
    assert [said["note"] for said in found.values()] == cells


def test_a_name_on_disk_of_bytes_that_are_not_utf8_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / "na\udcefve.jpg").write_bytes(b"photo")
    records = read(tmp_path, b"path,make\nna\xefve.jpg,Audi\na.jpg,Citro\xc3\xabn\n", files="a.jpg")
    assert words(records) == {"a.jpg": {"make": "Citroën"}, r"na\xefve.jpg": {"make": "Audi"}}
    assert notices(records) == []


@pytest.mark.parametrize("begin", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_a_spreadsheet_itself_is_named(tmp_path: Path, begin: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "f.csv").write_bytes(begin + b"x" * 99)
    with pytest.raises(SourceError, match=r"is a spreadsheet.*CSV UTF-8"):
        list(FolderSource(tmp_path, sidecar=tmp_path / "f.csv").records())


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "f.csv").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(SourceError, match="is not a text file"):
        list(FolderSource(tmp_path, sidecar=tmp_path / "f.csv").records())
