"""Spaces beside `semantic`: filled over a catalog, searched by picture, kept up by each ingest."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from catalog.car_columns import space_records
from catalog.published import PublishedCars
from catalog.table import Catalog
from embeddings.registry import ModelError, SpaceRecord
from embeddings.vision.encoder import load_vision_encoder
from embeddings.vision.networks import torchvision_models
from flows.answer import answer
from flows.run import RunFailedError
from flows.settings import load_settings
from search.query import QueryError
from synthetic.scenes import write_scenes

pytestmark = pytest.mark.usefixtures("home")

NETWORK = "torchvision:squeezenet1_1"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, 12, 1)
    return folder


def weights_file(folder: Path, seed: int) -> str:
    torch.manual_seed(seed)
    network = torchvision_models().get_model("squeezenet1_1", weights=None)
    path = folder / f"weights{seed}.safetensors"
    save_file(network.state_dict(), path)
    return str(path)


@pytest.fixture
def filled(scenes: Path, tmp_path: Path) -> Path:
    """A home whose photos are in the space `shape` too; returns the folder of photos."""
    from flows.ingest import embed, ingest

    photos = tmp_path / "photos"
    photos.mkdir()
    for file in sorted(scenes.glob("*.jpg"))[:10]:
        shutil.copy(file, photos)
    ingest(path=str(photos))
    report = embed(spaces=["shape"], model=NETWORK, weights=weights_file(tmp_path, 1))
    assert report.stages["embed shape"].photos == 10
    assert report.models["shape"].startswith("torchvision:squeezenet1_1@")
    return photos


def test_a_space_is_searched_by_picture_once_it_is_filled(
    filled: Path, catalog: Callable[[], Catalog]
) -> None:
    settings, photo = load_settings(), sorted(filled.iterdir())[3]
    cars = PublishedCars(catalog())
    assert cars.count() == 10
    by_file = answer(settings, catalog(), None, str(photo), [], 3, space="shape")
    first = by_file.hits[0]
    assert (first.found_by, round(first.distances["shape"], 3)) == (("shape",), 0.0)
    assert [hit.score for hit in by_file.hits] == sorted(
        (hit.score or 0 for hit in by_file.hits), reverse=True
    )
    by_id = answer(settings, catalog(), None, first.image_id, [], 3, space="shape")
    assert [hit.image_id for hit in by_id.hits] == [hit.image_id for hit in by_file.hits]
    record = SpaceRecord.from_json(cars.record("shape"))
    wanted = load_vision_encoder(record.space_spec, "cpu").encode_pictures([photo.read_bytes()])[0]
    assert np.allclose(cars.vector("shape", first.image_id), wanted, atol=2e-3)


def test_a_text_is_refused_where_the_model_reads_none(
    filled: Path, catalog: Callable[[], Catalog]
) -> None:
    with pytest.raises(ModelError, match=r"'shape'.*reads no text such as 'a red car'; ask by pic"):
        answer(load_settings(), catalog(), "a red car", None, [], 3, space="shape")
    with pytest.raises(Exception, match=r"no 'other' vectors; run `marque embed --space other`"):
        answer(load_settings(), catalog(), None, str(next(filled.iterdir())), [], 3, space="other")


def test_new_photos_come_into_all_spaces(
    filled: Path, scenes: Path, catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import embed, ingest

    for file in sorted(scenes.glob("*.jpg"))[10:]:
        shutil.copy(file, filled)
    report = ingest(path=str(filled))
    assert (report.new, report.stages["embed shape"].photos) == (2, 2)
    again = embed(spaces=["shape"])
    assert again.stages["embed shape"].photos == 0
    assert PublishedCars(catalog()).count("shape_version IS NOT NULL") == 12


def test_a_space_whose_model_is_gone_is_told_and_the_photos_come_in(
    filled: Path, scenes: Path, catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import embed, ingest

    made = SpaceRecord.from_json(space_records(catalog().table("cars").schema)["shape"])
    load_vision_encoder.cache_clear()
    Path(str(made.weights)).rename(f"{made.weights}.away")
    shutil.copy(sorted(scenes.glob("*.jpg"))[10], filled)
    report = ingest(path=str(filled))
    assert (report.status, report.new, report.published["photos"]) == ("done", 1, 11)
    assert any("space 'shape' was not filled: there is no weights" in m for m in report.messages)
    with pytest.raises(RunFailedError, match="there is no weights file"):
        embed(spaces=["shape"])
    new = next(iter(PublishedCars(catalog()).first(1, "shape_version IS NULL")))
    with pytest.raises(QueryError, match=r"has no 'shape' vector yet"):
        answer(load_settings(), catalog(), None, new, [], 3, space="shape")


def test_other_weights_in_the_same_place_are_another_model(
    filled: Path, scenes: Path, tmp_path: Path, catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import embed, ingest

    load_vision_encoder.cache_clear()
    shutil.copy(weights_file(tmp_path, 2), tmp_path / "weights1.safetensors")
    shutil.copy(sorted(scenes.glob("*.jpg"))[10], filled)
    report = ingest(path=str(filled))
    assert any("fills all of it anew" in each for each in report.messages)
    assert "embed shape" not in report.stages
    assert embed(spaces=["shape"]).stages["embed shape"].photos == 11


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"spaces": ["color"], "model": NETWORK}, "'color' is no space but a column"),
        ({"spaces": ["semantic"]}, "that of the settings"),
        ({"spaces": ["No Name"]}, "use small letters"),
        ({"spaces": ["a", "b"], "metric": "l2"}, "metric describes one space, but a, b are named"),
        ({"pooling": "max"}, "pooling describes a space; name it with --space"),
        ({"spaces": ["nothing_has_this_name"]}, "no network of torchvision or timm has that name"),
        ({"spaces": ["x"], "model": "marque-tiny", "layers": ["a"]}, "one vector of its own"),
        ({"spaces": ["x"], "model": NETWORK, "weights": "/no/file"}, "there is no weights file"),
    ],
)
def test_what_describes_no_space_is_told(
    scenes: Path, tmp_path: Path, given: dict[str, object], said: str
) -> None:
    from flows.ingest import embed, ingest

    ingest(source="scenes", path=str(scenes), limit=2)
    if given.get("model") == NETWORK and "weights" not in given:
        given = given | {"weights": weights_file(tmp_path, 1)}
    with pytest.raises(RunFailedError, match=said):
        embed(**given)  # type: ignore[arg-type]


def test_a_second_open_clip_model_is_a_space_that_reads_text(
    filled: Path, catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import embed

    assert filled.is_dir()
    embed(spaces=["words"], model="marque-tiny")
    found = answer(load_settings(), catalog(), "a red car", None, [], 3, space="words")
    same = answer(load_settings(), catalog(), "a red car", None, [], 3)
    assert [hit.image_id for hit in found.hits] == [hit.image_id for hit in same.hits]


def test_an_image_network_alone_makes_photos_searchable(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import ingest

    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", NETWORK)
    monkeypatch.setenv("MARQUE_SEMANTIC_WEIGHTS", weights_file(tmp_path, 1))
    report = ingest(path=str(scenes), limit=5)
    assert (report.status, report.published["photos"]) == ("done", 5)
    photo = next(iter(sorted(scenes.glob("*.jpg"))))
    assert len(answer(load_settings(), catalog(), None, str(photo), [], 3).hits) == 3
    with pytest.raises(ModelError, match="reads no text"):
        answer(load_settings(), catalog(), "a red car", None, [], 3)
