"""A siamese network is trained on known labels and fills a space."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog.car_columns import space_records
from catalog.published import PublishedCars
from catalog.table import Catalog
from embeddings.registry import SpaceRecord
from flows.answer import answer
from flows.run import RunFailedError
from flows.settings import load_settings
from tests.flows.test_spaces import NETWORK, weights_file

pytestmark = pytest.mark.usefixtures("home")

COLORS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200), "gray": (90, 90, 90),
          "white": (230, 230, 230), "yellow": (220, 220, 40)}  # fmt: skip
EACH = 5


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """A folder with a sub-folder of photos for each color, each photo with stripes of its own."""
    draw = np.random.default_rng(5)
    for name, color in COLORS.items():
        folder = tmp_path / "classes" / name
        folder.mkdir(parents=True)
        for at in range(EACH):
            stripes = draw.integers(-25, 25, (12, 16, 1)) + np.array(color)
            image = Image.fromarray(stripes.clip(0, 255).astype(np.uint8))
            image.resize((96, 72), Image.Resampling.BICUBIC).save(folder / f"{name}{at}.png")
    return tmp_path / "classes"


@pytest.fixture
def start(home: Path, classes: Path, tmp_path: Path) -> None:
    """The photos in the catalog, with their colors as labels, in the space `plain`."""
    from flows.ingest import embed, ingest

    assert not home.exists()
    sidecar = tmp_path / "labels.csv"
    lines = [f"{name}{at}.png,{name}" for name in COLORS for at in range(EACH)]
    sidecar.write_text("\n".join(["file,color", *lines]))
    ingest(path=str(classes), sidecar=str(sidecar))
    embed(spaces=["plain"], model=NETWORK, weights=weights_file(tmp_path, 1))


@pytest.mark.usefixtures("start")
def test_a_space_is_trained_on_labels_and_searched(
    classes: Path, home: Path, catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import embed
    from flows.siamese import SiameseOptions, train_siamese

    options = SiameseOptions(attributes=["color"], start="plain", epochs=1)
    report = train_siamese(options)
    assert (report.status, report.stages["embed siamese"].photos) == ("done", len(COLORS) * EACH)
    assert [row["epoch"] for row in report.epochs] == [0, 1]
    assert [row["vectors"] for row in report.retrieval] == ["plain", "trained"]
    assert report.sheet is not None
    assert Path(report.sheet).is_file()
    record = SpaceRecord.from_json(space_records(catalog().table("cars").schema)["siamese"])
    (folder,) = (home / "trained").iterdir()
    assert record.model == f"trained:{folder}"
    card = json.loads((folder / "card.json").read_text())
    assert card["data"]["photos"] == len(COLORS) * EACH
    assert card["data"]["licenses"] == {"unknown": len(COLORS) * EACH}
    photo = classes / "red" / "red0.png"
    found = answer(load_settings(), catalog(), None, str(photo), [], 3, space="siamese")
    assert found.hits[0].distances["siamese"] < 1e-3
    assert PublishedCars(catalog()).count("siamese_version IS NOT NULL") == len(COLORS) * EACH
    assert embed(spaces=["siamese"]).stages["embed siamese"].photos == 0
    again = train_siamese(options)
    assert [row["loss"] for row in again.epochs] == [row["loss"] for row in report.epochs]
    assert again.stages["embed siamese"].photos == 0, "the same training gives the same weights"


@pytest.mark.usefixtures("start")
def test_a_space_is_trained_on_a_folder_of_classes(classes: Path) -> None:
    from flows.siamese import SiameseOptions, train_siamese

    (classes / "red" / "broken.jpg").write_bytes(b"no photo")
    report = train_siamese(
        SiameseOptions(folder=str(classes), space="colors", start="plain", epochs=1, loss="triplet")
    )
    assert report.stages["prepare"].photos == len(COLORS) * EACH
    assert report.stages["embed colors"].photos == len(COLORS) * EACH
    assert any("1 photos could not be read" in each for each in report.messages)


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"attributes": ["hue"]}, "no attribute 'hue'; use one of make"),
        ({"attributes": ["make"]}, "0 classes of 0 have photos .* and a training takes 6"),
        ({"start": "semantic"}, "semantic"),
        ({"space": "color"}, "'color' is no space"),
        ({"start": "nothing_like_it"}, "no network of torchvision or timm"),
        ({"folder": "/no/such/folder"}, "has no sub-folders"),
    ],
)
def test_what_cannot_be_trained_is_told(given: dict[str, object], said: str) -> None:
    from flows.siamese import SiameseOptions, train_siamese

    asked = {"attributes": ["color"], "start": "plain", "epochs": 1} | given
    with pytest.raises(RunFailedError, match=said):
        train_siamese(SiameseOptions(**asked))  # type: ignore[arg-type]


@pytest.mark.usefixtures("start")
def test_a_training_begins_with_a_trained_network(home: Path) -> None:
    from flows.siamese import SiameseOptions, train_siamese

    first = SiameseOptions(attributes=["color"], start="plain", epochs=1)
    train_siamese(first)
    second = train_siamese(first.model_copy(update={"start": "siamese", "space": "second"}))
    assert [row["vectors"] for row in second.retrieval] == ["siamese", "trained"]
    cards = [json.loads(path.read_text()) for path in (home / "trained").glob("*/card.json")]
    assert [card["network"] for card in cards] == [NETWORK, NETWORK]
    assert second.status == "done"


@pytest.mark.usefixtures("start")
def test_heads_are_trained_on_the_space_that_is_asked_for() -> None:
    from flows.training import train_heads

    (row,) = train_heads(attributes=["color"], spaces=["plain"]).heads
    assert row["space"] == "plain"
    assert "too few labels" in row["outcome"]
    with pytest.raises(RunFailedError, match="on space 'shapes'; use semantic, plain"):
        train_heads(spaces=["shapes"])
