"""`marque segment`, as a person runs it."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from catalog.register import register
from catalog.table import open_catalog
from core.photos.decode import image_id
from core.photos.files import FILE_TOO_LARGE, MAX_BYTES
from core.records import Photo, Sighting
from labeling import masks
from labeling.segment import load_segmenter, segment_photo
from marque.__main__ import commands
from synthetic.scenes import render
from synthetic.scenes.write import jpeg_bytes
from tests.labeling.segmenting import NAME, save_network

SIZE = (300, 210)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.jpg"
    path.write_bytes(jpeg_bytes(render(31, SIZE)))
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("weights") / "weights.pth")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARQUE_SEGMENTER", masks.MASK_MODEL)
    monkeypatch.setenv("MARQUE_DEVICE", "cpu")
    return tmp_path / "home"


def run(home: Path, *words: str | Path) -> Result:
    before = dict(os.environ)
    try:
        return CliRunner().invoke(commands, ["segment", *map(str, words), "--home", str(home)])
    finally:
        os.environ.clear()
        os.environ.update(before)


def answer(home: Path, *words: str | Path) -> dict[str, Any]:
    done = run(home, *words, "--json")
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def by_torchvision(weights: Path) -> tuple[str | Path, ...]:
    return ("--segmenter", NAME, "--weights", weights)


def test_what_is_written_is_what_is_said(
    home: Path, photo: Path, weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a new folder" / "mask.png"
    said = answer(home, photo, "--out", out, "--threshold", "0.3", *by_torchvision(weights))
    segmenter = load_segmenter(NAME, weights.resolve(), "cpu")
    assert said["segmenter"] == segmenter.version
    assert (said["width"], said["height"]) == SIZE
    assert len(said["labels"]) > 2
    with Image.open(out) as image:
        assert (image.mode, image.size) == ("P", SIZE)
        numbers = np.array(image)
    expected = segment_photo(segmenter, photo.read_bytes(), 0.3)
    assert np.array_equal(numbers, expected.numbers)
    shares = [each["share"] for each in said["labels"]]
    assert shares == sorted(shares, reverse=True)
    for each in said["labels"]:
        assert each["mask"] == str(out.with_name(f"mask.{each['label']}.png"))
        with Image.open(each["mask"]) as image:
            assert (image.mode, image.size) == ("1", SIZE)
            mask = np.array(image)
        assert np.array_equal(mask, numbers == segmenter.classes.index(each["label"]))
        assert each["area_pixels"] == mask.sum() > 0
        x0, y0, x1, y1 = each["box"]
        assert mask[y0:y1, x0:x1].sum() == mask.sum()
        assert 0.3 <= each["confidence"] <= 1
    names = {"mask.png", *(Path(each["mask"]).name for each in said["labels"])}
    assert {path.name for path in out.parent.iterdir()} == names


def test_a_person_reads_a_table_and_the_files(home: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "mask.png"
    done = run(home, photo, "--out", out)
    assert done.exit_code == 0, done.output
    assert f"{photo.name}, 300x210" in done.stdout
    for word in ("car", "%", masks.MASK_MODEL, f"Class map: {out}", f"{tmp_path / 'mask.car.png'}"):
        assert word in done.stdout
    assert done.stderr.startswith(f"Note: {masks.MASK_MODEL} is for trying out")
    assert "Note" not in done.stdout


def test_without_a_file_nothing_is_written(home: Path, photo: Path) -> None:
    before = set(photo.parent.iterdir())
    said = answer(home, photo)
    assert said["out"] is None
    assert {each["mask"] for each in said["labels"]} == {None}
    assert set(photo.parent.iterdir()) == before
    assert not home.exists()


def test_a_higher_threshold_finds_less(home: Path, photo: Path, weights: Path) -> None:
    areas: list[int] = []
    for threshold in ("0", "0.5", "0.9", "1"):
        said = answer(home, photo, "--threshold", threshold, *by_torchvision(weights))
        areas.append(sum(each["area_pixels"] for each in said["labels"]))
    assert areas == sorted(areas, reverse=True)
    assert areas[0] > areas[2]


def test_nothing_found_is_said(home: Path, photo: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    Image.new("RGB", (80, 80), "white").save(plain)
    out = tmp_path / "out.png"
    done = run(home, plain, "--threshold", "1", "--out", out)
    assert done.exit_code == 0, done.output
    assert "no label at a threshold of 1.0" in done.stdout
    assert [path.name for path in tmp_path.glob("out*")] == ["out.png"]


@pytest.mark.parametrize("name", ["mask.png", "link.png", "hard.png", "mask.car.png"])
def test_the_photo_is_never_written_over(
    home: Path, photo: Path, tmp_path: Path, name: str
) -> None:
    image = tmp_path / name
    with Image.open(photo) as shown:
        shown.save(image)
    out = tmp_path / "mask.png"
    if name == "link.png":
        out.symlink_to(image)
    elif name == "hard.png":
        out.hardlink_to(image)
    before = image.read_bytes()
    done = run(home, image, "--out", out)
    assert done.exit_code == 2, done.output
    over = image if name == "mask.car.png" else out
    assert f"'{over}' would be written over, and is the photo to segment" in done.stderr
    assert image.read_bytes() == before
    assert {each.name for each in tmp_path.glob("*.png")} == {out.name, name} - (
        {out.name} if name == "mask.car.png" else set()
    )
    answer(home, image, "--out", tmp_path / "other.png")


def test_a_photo_of_the_catalog_is_named_by_its_first_digits(home: Path, photo: Path) -> None:
    content = photo.read_bytes()
    register(
        open_catalog(home / "catalog"), [Photo(Sighting("shop", "1", {}), content)], run_id="r"
    )
    by_file = answer(home, photo)
    for name in (image_id(content)[:8], image_id(content).upper()):
        assert answer(home, name)["labels"] == by_file["labels"]
    done = run(home, "000000")
    assert done.exit_code == 1
    assert "0 photos have an id that begins with '000000'" in done.stderr


def test_settings_name_the_network_and_its_weights(
    home: Path, photo: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUE_SEGMENTER", NAME)
    monkeypatch.setenv("MARQUE_SEGMENTER_WEIGHTS", str(weights))
    said = answer(home, photo)
    assert said["segmenter"] == load_segmenter(NAME, weights.resolve(), "cpu").version
    # Which are not those of another network.
    other = answer(home, photo, "--segmenter", masks.MASK_MODEL)["segmenter"]
    assert other.startswith(masks.MASK_MODEL)
    monkeypatch.setenv("MARQUE_PRECISION", "bf16")
    assert answer(home, photo)["segmenter"] == said["segmenter"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--threshold", "1.5"], 2, ["threshold is 1.5", "0 to 1"]),
        (["--threshold", "-0.1"], 2, ["threshold is -0.1", "0 to 1"]),
        (["--threshold", "nan"], 2, ["threshold is nan", "0 to 1"]),
        (["--out", "mask.jpg"], 2, ["mask.jpg", ".png"]),
        (["--out", "/dev/null/masks/mask.png"], 2, ["/dev/null", "not a folder"]),
        (["--segmenter", "vgg"], 1, ["'vgg'", NAME, masks.MASK_MODEL]),
        (["--segmenter", NAME, "--weights", "absent.pth"], 1, ["absent.pth", "MARQUE_SEGMENTER"]),
        (["--segmenter", NAME, "--weights", __file__], 1, ["test_segment.py", ".safetensors"]),
        (["--weights", "absent.pth"], 1, [masks.MASK_MODEL, "its own weights"]),
    ],
)
def test_what_cannot_be_done_is_said(
    home: Path, photo: Path, words: list[str], status: int, said: list[str]
) -> None:
    done = run(home, photo, *words, "--json")
    assert done.exit_code == status, done.output
    for each in said:
        assert each in done.stderr
    assert json.loads(done.stdout)["error"] in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("name", ["absent.jpg", "x" * 300, ".", "12345"])
def test_a_picture_that_is_not_there_is_said(home: Path, name: str) -> None:
    done = run(home, name)
    assert done.exit_code == 2
    assert f"there is no picture '{name[:200]}'" in done.stderr


@pytest.mark.parametrize("content", [b"", b"<html>no photo</html>", b"\xff\xd8\xff\xe0 cut"])
def test_a_file_that_is_no_photo_is_said(home: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    done = run(home, path, "--out", tmp_path / "mask.png")
    assert done.exit_code == 2
    assert "photo.jpg' cannot be segmented" in done.stderr
    assert not (tmp_path / "mask.png").exists()


def test_real_photos_of_every_kind_give_a_map_of_their_size(
    home: Path, shared_data: Path, tmp_path: Path
) -> None:
    seen = 0
    for path in sorted((shared_data / "hostile_images").iterdir()):
        out = tmp_path / "mask.png"
        done = run(home, path, "--out", out, "--json")
        document = json.loads(done.stdout)
        if done.exit_code == 0:
            seen += 1
            with Image.open(out) as image:
                assert image.size == (document["width"], document["height"]), path.name
        else:
            assert done.exit_code == 2, (path.name, done.output)
            assert "cannot be segmented" in document["error"]
    assert seen > 0


def test_a_film_is_not_read(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    monkeypatch.delattr(Path, "read_bytes")
    done = run(home, path)
    assert done.exit_code == 2
    assert f"film.jpg' cannot be segmented ({FILE_TOO_LARGE}" in done.stderr
