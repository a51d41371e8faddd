"""A row finds its file as a person would say it does, where that is unique."""

import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.records import Notice, Photo
from crawlers.imports.folder import FolderSource
from crawlers.imports.sidecar import paths as sidecar_paths
from crawlers.imports.sidecar.paths import AmbiguousError, Finder
from tests.crawlers.imports.sidecar_reading import drops, read, words

TREE = "train/img1.jpg train/Größe.JPG val/img2.jpg val/00012.jpg top.jpg"


@pytest.mark.parametrize(
    ("given_path", "file"),
    [
        (r"train\img1.jpg", "train/img1.jpg"),
        (r".\train\img1.jpg", "train/img1.jpg"),
        (r"..\photos\train\img1.jpg", "train/img1.jpg"),
        (r"C:\Users\Ann\photos\train\img1.jpg", "train/img1.jpg"),
        (r"D:/pictures/train/img1.jpg", "train/img1.jpg"),
        (r"\\server\share\photos\val\img2.jpg", "val/img2.jpg"),
        ("/mnt/ann/photos/val/img2.jpg", "val/img2.jpg"),
        ("~/photos/val/img2.jpg", "val/img2.jpg"),
        (r"C:\Users\Ann\top.jpg", "top.jpg"),
        ("TRAIN/IMG1.JPG", "train/img1.jpg"),
        ("train/img1.JPG", "train/img1.jpg"),
        ("./train/./img1.jpg", "train/img1.jpg"),
        ("photos/train/img1.jpg", "train/img1.jpg"),
        (r"photos\train\img1.jpg", "train/img1.jpg"),
        ("Photos/Train/img1.jpg", "train/img1.jpg"),
        ("img1.jpg", "train/img1.jpg"),
        ("IMG2.jpg", "val/img2.jpg"),
        ("/train/img1.jpg", "train/img1.jpg"),
        ("00012", "val/00012.jpg"),
        ("val/00012", "val/00012.jpg"),
        ("train/Gr%C3%B6%C3%9Fe.JPG", "train/Größe.JPG"),
        ("FILE:///c:/x/photos/train/Gr%C3%B6%C3%9Fe.JPG", "train/Größe.JPG"),
        (unicodedata.normalize("NFD", "train/Größe.JPG"), "train/Größe.JPG"),
        (unicodedata.normalize("NFD", "größe.jpg"), "train/Größe.JPG"),
        ("'train/img1.jpg'", "train/img1.jpg"),
        ("  train/img1.jpg\xa0", "train/img1.jpg"),
        ("other/img1.jpg", None),
        ("img1.png", None),
        ("../elsewhere/img1.jpg", None),
        ("12", None),
        ("train", None),
    ],
)
def test_a_path_as_people_write_it(tmp_path: Path, given_path: str, file: str | None) -> None:
    folder = tmp_path / "photos"
    for name in TREE.split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"photo")
    found = Finder(folder, tmp_path / "facts.csv").find(given_path)
    assert (found and found.path) == (None if file is None else str(folder / file))


def test_paths_beside_a_table_in_the_tree(tmp_path: Path) -> None:
    """As data sets of Hugging Face have them: train/metadata.csv names files of train."""
    for file in ("train/0001.jpg", "test/0001.jpg"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_bytes(b"photo")
    table = tmp_path / "train" / "metadata.csv"
    table.write_text("file_name,make\n0001.jpg,Audi\n")
    records = list(FolderSource(tmp_path, sidecar=table).records())
    assert {
        r.sighting.source_id: r.sighting.words for r in records if not isinstance(r, Notice)
    } == {
        f"{tmp_path}/train/0001.jpg": {"make": "Audi"},
        f"{tmp_path}/test/0001.jpg": {},
    }


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("file_name,name,make", "{},Holiday in Rome,Fiat"),
        ("name,file_name,make", "Holiday,{},Fiat"),
        ("name,photo_of_car,make", "Holiday,{},Fiat"),
        ("id,image,make", "7,{},Fiat"),
        ("split,Bild,make", "train,{},Fiat"),
        ("path,filename,make", "/gone/elsewhere,{},Fiat"),
        ("image_id,make", "{},Fiat"),
        ("path,original,make", "{},{},Fiat"),
    ],
)
@pytest.mark.parametrize("given_path", ["a.jpg", r"C:\x\a.jpg", "A.JPG"])
def test_the_path_column_is_the_one_whose_cells_name_files(
    tmp_path: Path, header: str, row: str, given_path: str
) -> None:
    (tmp_path / "train").mkdir()
    records = read(tmp_path, f"{header}\n{row.replace('{}', given_path)}\n", files="a.jpg")
    assert words(records)["a.jpg"]["make"] == "Fiat"
    assert drops(records) == []


@pytest.mark.parametrize("style", [r"C:\Ann\{}\1.jpg", "/mnt/ann/{}/1.JPG", "{}/1", "1.jpg"])
def test_as_many_files_of_one_name_as_rows_are_little_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    """As a dealer's photos lie, in a folder for each car: each row once looked at every file."""
    compared = 0
    given = sidecar_paths._ends_with

    def counting(parts: tuple[str, ...], end: tuple[str, ...]) -> bool:
        nonlocal compared
        compared += 1
        return given(parts, end)

    monkeypatch.setattr(sidecar_paths, "_ends_with", counting)
    files = [f"{number}/1.jpg" for number in range(100)]
    text = "\n".join(["path,make", *(f"{style.format(n)},Fiat" for n in range(100))])
    records = read(tmp_path, text, files=" ".join(files))
    kept = sum(bool(r.sighting.words) for r in records if isinstance(r, Photo))
    assert (kept, len(drops(records))) == ((0, 100) if style == "1.jpg" else (100, 0))
    assert compared < 2_000


parts = st.text("abAB0ä. %-_ß", min_size=1, max_size=6).filter(
    lambda part: part.strip(" .") == part and not part.startswith("%")
)


@settings(max_examples=100, deadline=None)
@example({("0", "0", "0%00")}, "\\", "", str.upper, False)
@given(
    st.sets(st.tuples(parts, parts, parts), min_size=1, max_size=4),
    st.sampled_from(["\\", "/"]),
    st.sampled_from(["", "./", "C:/Ann/My Pictures/", "/mnt/nas/", "PHOTOS/"]),
    st.sampled_from([str, str.upper, str.lower, lambda text: unicodedata.normalize("NFD", text)]),
    st.booleans(),
)
def test_any_spelling_finds_its_file_or_none_of_several(
    tmp_path_factory: pytest.TempPathFactory, tree: set[tuple[str, str, str]], slash: str,
    start: str, change: object, quoted: bool,
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("law") / "photos"
    for a, b, c in tree:
        (folder / a / b).mkdir(parents=True, exist_ok=True)
        (folder / a / b / f"{c}.jpg").write_bytes(b"x")
    finder = Finder(folder, folder.parent / "facts.csv")
    for a, b, c in tree:
        said = start + change(f"{a}/{b}/{c}.jpg")  # type: ignore[operator]
        said = quote(said, safe="/:\\") if quoted else said
        try:
            found = finder.find(said.replace("/", slash))
        except AmbiguousError:
            assert len({"/".join(file).casefold() for file in tree}) < len(tree)
            continue
        assert found is not None
        named = found.path.removeprefix(f"{folder}/")
        assert named.casefold() == f"{a}/{b}/{c}.jpg".casefold()
